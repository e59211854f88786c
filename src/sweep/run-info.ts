import type { QualityReport } from '../image/quality/report.js';
import type { QuarantinedImage } from '../image/store.js';

/** Counts of one split of one data set. */
export interface SplitSummary {
  readonly images: number;
  readonly patients: number;
  /** [labelNames] number of positives / of known labels. */
  readonly positives: readonly number[];
  readonly known: readonly number[];
}

/** What the report says about one data set; `runs/<name>/data.json` holds one of these per data set name. */
export interface DataSummary {
  readonly dataset: string;
  readonly root: string;
  readonly labelNames: readonly string[];
  readonly images: number;
  readonly patients: number;
  readonly patientsAssumed: boolean;
  readonly missingImages: number;
  readonly quarantine: readonly QuarantinedImage[];
  readonly splitMethod: string;
  readonly splits: {
    readonly train: SplitSummary;
    readonly validation: SplitSummary;
    readonly test: SplitSummary;
  };
  /** Patients found in more than one split; empty unless `allowLeakage`. */
  readonly leakingPatients: readonly string[];
  readonly notes: readonly string[];
  /** Absent in run folders of earlier versions. */
  readonly quality?: QualityReport;
}
