import { ThawError } from '../base/errors.js';
import { listSome } from '../base/nearest.js';
import type { Progress } from '../base/progress.js';
import type { Dataset, SplitName } from '../data/dataset.js';
import { groupsAcrossSplits, partsOf, rowsToDrop } from '../data/quality.js';
import type { Split } from '../data/split.js';
import type { DuplicateGroup } from '../image/quality/duplicates.js';
import { keptFindings, type PixelFindings, pixelFindings } from '../image/quality/pixel-findings.js';
import { type QualityReport, qualityReport } from '../image/quality/report.js';
import type { ImageStore } from '../image/store.js';
import type { DataConfig } from '../sweep/config.js';
import { type OpenedDataset, splitOf } from './open.js';

/** A data set whose pixels were looked through; `dropped` is set where the config says to drop copies. */
export interface CheckedDataset extends OpenedDataset {
  readonly findings?: PixelFindings;
}

export interface CheckOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks through the pixels of a data set. Copies of an image in two parts of the split are refused like a patient in two, unless
 * the config allows or drops them. Throws LEAKAGE, DATA when a part stays empty without them, IO, ABORTED.
 */
export async function checkPixels(
  opened: OpenedDataset,
  images: ImageStore,
  options: CheckOptions,
): Promise<CheckedDataset> {
  const { dataset, config } = opened;
  const findings = await pixelFindings(dataset, images, options);
  const checked = withFindings(opened, images, findings);
  const split = splitOf(checked, images);
  const across = groupsAcrossSplits(findings.duplicates, partsOf(dataset, split));
  if (across.length > 0 && !allowsDuplicates(config)) throw duplicatesError(dataset, split, across);
  if (checked.dropped !== undefined && checked.dropped.length > 0) {
    options.progress.note(
      `${checked.dropped.length} images of ${dataset.name} are left out: copies of them are in another split.`,
    );
  }
  return checked;
}

/**
 * The data set as `checkPixels` left it in an earlier sweep. Undefined when that is not known yet and decides which images are
 * used. Nothing is read through.
 */
export async function alreadyChecked(
  opened: OpenedDataset,
  images: ImageStore,
): Promise<OpenedDataset | undefined> {
  if (opened.config.duplicates !== 'drop') return opened;
  const findings = await keptFindings(images);
  return findings === undefined ? undefined : withFindings(opened, images, findings);
}

/** `drop` takes copies out of the split, whatever else is allowed. */
export function withFindings(
  opened: OpenedDataset,
  images: ImageStore,
  findings: PixelFindings,
): CheckedDataset {
  if (opened.config.duplicates !== 'drop') return { ...opened, findings };
  const parts = partsOf(opened.dataset, splitOf(opened, images));
  return { ...opened, findings, dropped: rowsToDrop(findings.duplicates, parts) };
}

/**
 * The quality report of a data set; without findings, of its table alone. `rule` is what decides between errors and warnings, where
 * the data set was opened with another one.
 */
export function reportQuality(
  { dataset, config, dropped = [], findings }: CheckedDataset,
  images: ImageStore | undefined,
  split: Split,
  rule: Pick<DataConfig, 'allowLeakage' | 'duplicates'> = config,
): QualityReport {
  const allowed = { patients: rule.allowLeakage, duplicates: allowsDuplicates(rule) };
  const quarantine = images?.index.quarantine ?? [];
  return qualityReport({ dataset, split, quarantine, findings, dropped, allowed });
}

function allowsDuplicates({
  allowLeakage,
  duplicates,
}: Pick<DataConfig, 'allowLeakage' | 'duplicates'>): boolean {
  return allowLeakage || duplicates === 'allow';
}

function duplicatesError(dataset: Dataset, split: Split, across: readonly DuplicateGroup[]): ThawError {
  const parts = partsOf(dataset, split);
  const named = across.map(({ rows }) => {
    const first = new Map<SplitName, string>();
    for (const row of rows) {
      const part = parts[row];
      if (part !== undefined && !first.has(part)) first.set(part, `${dataset.entries[row]!.path} (${part})`);
    }
    return [...first.values()].join(' = ');
  });
  return new ThawError(
    'LEAKAGE',
    `${across.length} ${across.length === 1 ? 'image has' : 'images have'} copies in more than one split: ${listSome(named, 10)}.`,
    {
      file: dataset.root,
      hint: DUPLICATES_HINT,
    },
  );
}

export const DUPLICATES_HINT =
  "'duplicates: drop' beside 'split:' leaves copies of test images out of training and validation; 'duplicates: allow' goes on regardless, and the report says so. 'thaw data check' lists all.";
