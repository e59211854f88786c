import type { Claim } from '../sweep/claims-schema.js';
import type { LedgerRow } from '../sweep/ledger.js';
import type { DataSummary } from '../sweep/run-info.js';
import type { PatientsOf } from './claim-sides.js';
import type { ClaimResult } from './claims.js';
import type { CurveFigure } from './curves.js';
import type { Experiment } from './experiment.js';
import type { DrawnFigure } from './figures.js';
import type { LabelResults } from './label-results.js';
import type { NetworkOrRadiomics } from './network-or-radiomics.js';

/** What a report is made from. */
export interface ReportInput {
  /** One row a trial. */
  readonly rows: readonly LedgerRow[];
  /** One a data set of the sweep. */
  readonly data: readonly DataSummary[];
  /** Name of the sweep. */
  readonly name: string;
  /** The resolved config, shown as it is. */
  readonly config: unknown;
  /** Number of trials that the sweep has. */
  readonly planned: number;
  /** Statements of the config to be tested, and the level at which they all are. */
  readonly claims?: Readonly<Record<string, Claim>> | undefined;
  readonly alpha?: number | undefined;
  /** What test patients contribute to the error of a trial's test AUROC, where that is known. */
  readonly patientsOf?: PatientsOf | undefined;
}

/** Everything that the sections of a page draw from. */
export interface ReportContext extends Omit<ReportInput, 'claims'> {
  readonly experiment: Experiment;
  /** Trials that have neither finished nor failed. */
  readonly left: number;
  readonly curves: readonly { readonly figure: CurveFigure; readonly drawn: DrawnFigure }[];
  /** Where networks overtake radiomics; its figure is among the curves. Undefined where a sweep has not both. */
  readonly networkOrRadiomics: NetworkOrRadiomics | undefined;
  readonly claims: readonly ClaimResult[];
  readonly labels: readonly { readonly results: LabelResults; readonly drawn: DrawnFigure | undefined }[];
}
