import type { Dataset } from '../../data/dataset.js';
import {
  groupsAcrossPatients,
  groupsAcrossSplits,
  labelConflicts,
  partsOf,
  prevalenceBySite,
  type SitePrevalence,
  type TableCounts,
  tableCounts,
} from '../../data/quality.js';
import { checkPatients, type Split } from '../../data/split.js';
import type { QuarantinedImage } from '../store.js';
import type { DuplicateGroup } from './duplicates.js';
import { type ImagesOf, issue, many, type QualityIssue, type Severity } from './issues.js';
import type { PixelFindings } from './pixel-findings.js';
import { groupCounts, linkWords, pixelIssues } from './pixel-issues.js';
import type { OriginalSizes } from './sizes.js';

/** What was found about a data set; the JSON of `thaw data check` and of `data.json`. */
export interface QualityReport {
  readonly version: 1;
  readonly table: TableCounts;
  /** Empty where no image has a site. */
  readonly sites: readonly SitePrevalence[];
  /** Null where only the table was looked at. */
  readonly pixels: PixelSummary | null;
  /** Errors first, then warnings, then notes. */
  readonly issues: readonly QualityIssue[];
}

export interface PixelSummary {
  /** Images that could be read. */
  readonly images: number;
  /** Images beyond the first of each group of copies, by the closest link. */
  readonly exactDuplicates: number;
  readonly nearDuplicates: number;
  readonly nearChecked: boolean;
  readonly polarityChecked: boolean;
  /** The 20 most frequent sizes, and how many there are. */
  readonly sizes: OriginalSizes & { readonly distinct: number };
}

export interface QualityInput {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly quarantine: readonly QuarantinedImage[];
  readonly findings: PixelFindings | undefined;
  /** Rows that `duplicates: drop` left out of the split. */
  readonly dropped: readonly number[];
  readonly allowed: { readonly patients: boolean; readonly duplicates: boolean };
}

const MOST_SIZES = 20;
const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

export function qualityReport(input: QualityInput): QualityReport {
  const { dataset, split, findings } = input;
  const issues = [...tableIssues(input), ...(findings === undefined ? [] : duplicateIssues(input, findings))];
  if (findings !== undefined) issues.push(...pixelIssues(findings, imagesOf(dataset, split)));
  return {
    version: 1,
    table: tableCounts(dataset),
    sites: prevalenceBySite(dataset, split),
    pixels: findings === undefined ? null : pixelSummary(findings),
    issues: issues.filter(({ count }) => count > 0).sort((a, b) => RANK[a.severity] - RANK[b.severity]),
  };
}

function imagesOf(dataset: Dataset, split: Split): ImagesOf {
  const parts = partsOf(dataset, split);
  return (rows) =>
    rows.map((row) => {
      const { path, patient } = dataset.entries[row]!;
      return { row, path, patient, split: parts[row] ?? null };
    });
}

function pixelSummary(findings: PixelFindings): PixelSummary {
  const { sizes, known } = findings.sizes;
  return {
    images: findings.images,
    ...groupCounts(findings.duplicates),
    nearChecked: findings.nearChecked,
    polarityChecked: findings.polarity.checked,
    sizes: { known, sizes: sizes.slice(0, MOST_SIZES), distinct: sizes.length },
  };
}

function tableIssues({ dataset, split, quarantine, allowed }: QualityInput): QualityIssue[] {
  const show = imagesOf(dataset, split);
  const patients = new Set(dataset.entries.map(({ patient }) => patient)).size;
  const leaks = checkPatients(dataset, split).map(({ patient, splits }) => ({
    images: [],
    detail: `${patient} (${splits.join(', ')})`,
  }));
  const broken = quarantine.map(({ row, reason }) => ({ images: show([row]), detail: reason }));
  const { missingImages, patientsAssumed } = dataset;
  return [
    issue(
      'patients-across-splits',
      allowed.patients ? 'warning' : 'error',
      leaks,
      `${leaks.length} of ${patients} patients are in more than one split${allowed.patients ? ' (allowed by the config)' : ''}.`,
    ),
    issue('unreadable', 'warning', broken, `${many(broken.length, 'can')}not be read; not in any split.`),
    {
      kind: 'missing',
      severity: 'warning',
      count: missingImages,
      message: `${missingImages} images that the table lists are not there.`,
      items: [],
    },
    {
      kind: 'patients-unknown',
      severity: 'warning',
      count: patientsAssumed ? dataset.entries.length : 0,
      message: 'No patients are given: images of one person may be in different splits.',
      items: [],
    },
  ];
}

function duplicateIssues(input: QualityInput, findings: PixelFindings): QualityIssue[] {
  const { dataset, split, dropped, allowed } = input;
  const groups = findings.duplicates;
  const show = imagesOf(dataset, split);
  const itemOf = (group: DuplicateGroup) => ({ images: show(group.rows), detail: linkWords(group) });
  const across = groupsAcrossSplits(groups, partsOf(dataset, split));
  const elsewhere = new Set(across);
  const patients = groupsAcrossPatients(groups, dataset);
  const groupOf = new Map(groups.map((group) => [group.rows, group]));
  const conflicts = labelConflicts(groups, dataset).map(({ rows, labels }) => ({
    images: show(rows),
    detail: `${labels.join(', ')}; ${linkWords(groupOf.get(rows as DuplicateGroup['rows'])!)}`,
  }));
  const within = groups.filter((group) => !elsewhere.has(group));
  return [
    issue(
      'duplicates-across-splits',
      allowed.duplicates ? 'warning' : 'error',
      across.map(itemOf),
      `${many(across.length, 'has')} copies in more than one split${allowed.duplicates ? ' (allowed by the config)' : ''}.`,
    ),
    issue(
      'duplicates-dropped',
      'note',
      dropped.map((row) => ({ images: show([row]), detail: 'a copy is in a split that is kept' })),
      `${many(dropped.length, 'is')} in no split because a copy is in another split (duplicates: drop).`,
    ),
    issue(
      'image-of-several-patients',
      'warning',
      patients.map(itemOf),
      `${many(patients.length, 'is')} listed under more than one patient.`,
    ),
    issue(
      'label-conflict',
      'warning',
      conflicts,
      `${many(conflicts.length, 'has')} copies with contradicting labels.`,
    ),
    issue(
      'duplicates',
      'note',
      within.map(itemOf),
      `${many(within.length, 'has')} copies within one split, which count as different images.`,
    ),
  ];
}
