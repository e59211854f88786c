import { throwIfAborted } from '../base/abort.js';
import { ThawError } from '../base/errors.js';
import { inOrder } from '../base/in-order.js';
import { readMask } from '../image/grey/read.js';
import type { GreyVolume } from '../image/grey/volume.js';
import { type RadiomicsExtractor, radiomicsExtractor, STANDING } from './extract.js';
import { type LabelRule, type Region, type RegionRule, regionsOf } from './regions.js';
import type { SelectedFeatures } from './select.js';

/** An image to measure, and where its mask is. */
export interface RadiomicsCase {
  readonly name: string;
  /** Reads the image; throws IMAGE where it is broken. */
  open(): Promise<GreyVolume>;
  /** File of the mask, or why there is none although one is asked for. */
  readonly mask?: string | { readonly missing: string } | undefined;
  /** Takes the place of the rule's. */
  readonly labels?: LabelRule | undefined;
}

/** One row of a table. */
export interface MeasuredRow {
  readonly slice: number | null;
  readonly label: number | null;
  /** [features] null where undefined; null instead of all where nothing could be measured. */
  readonly values: readonly (number | null)[] | null;
  /** Features that are a number by convention. */
  readonly conventional: number;
  /** Why the features that lack are undefined, where more is known than that they are. */
  readonly problem: string | null;
}

export interface MeasureOptions {
  /** Images that are read and measured at a time, each on one thread. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  /** Case to begin with; those before it are done. */
  readonly first?: number;
}

/** Rows of cases that were done early and wait for one before them, a thread. */
const AHEAD = 32;
const STOPPED = 'What is measured is kept: the same command goes on there.';

/**
 * Rows of cases in their order, case by case: read, cut into regions, measured; `threads` at a time. A case that cannot be read
 * or does not fit its mask is one row with its problem. Throws IO when the machine fails rather than a file, ABORTED.
 */
export async function* measureCases(
  cases: readonly RadiomicsCase[],
  selection: SelectedFeatures,
  rule: RegionRule,
  options: MeasureOptions,
): AsyncGenerator<readonly MeasuredRow[]> {
  const { threads, signal, first = 0 } = options;
  const extractor = radiomicsExtractor(selection.options);
  const count = cases.length - first;
  // Of few cases the slices and labels share the threads.
  const each = Math.max(1, Math.floor(threads / Math.max(1, count)));
  yield* inOrder(count, { lanes: threads, ahead: AHEAD * threads }, async (index) => {
    throwIfAborted(signal, STOPPED);
    return measureCase(cases[first + index]!, { extractor, selection, rule, threads: each, signal });
  });
}

interface CaseWork {
  readonly extractor: RadiomicsExtractor;
  readonly selection: SelectedFeatures;
  readonly rule: RegionRule;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
}

async function measureCase(item: RadiomicsCase, work: CaseWork): Promise<readonly MeasuredRow[]> {
  const { labels = work.rule.labels } = item;
  try {
    const image = await item.open();
    const mask = await maskOf(item);
    const rows: MeasuredRow[] = [];
    let batch: Region[] = [];
    for (const region of regionsOf(image, mask, { ...work.rule, labels })) {
      batch.push(region);
      if (batch.length < work.threads) continue;
      rows.push(...(await measureRegions(batch, work)));
      batch = [];
    }
    rows.push(...(await measureRegions(batch, work)));
    return rows;
  } catch (error) {
    throwIfAborted(work.signal, STOPPED);
    if (!(error instanceof ThawError) || !['IMAGE', 'DATA'].includes(error.code)) throw error;
    return [rowOfProblem(null, null, reason(error))];
  }
}

async function maskOf({ mask }: RadiomicsCase): Promise<GreyVolume | undefined> {
  if (mask === undefined) return undefined;
  if (typeof mask !== 'string') throw new ThawError('IMAGE', `${mask.missing}.`);
  try {
    return await readMask(mask);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'IMAGE') throw error;
    const { hint } = error;
    throw new ThawError('IMAGE', `mask ${mask}: ${error.summary}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

async function measureRegions(regions: readonly Region[], work: CaseWork): Promise<MeasuredRow[]> {
  const { extractor, selection, threads, signal } = work;
  const images = regions.flatMap((region) => ('image' in region ? [region.image] : []));
  const table =
    images.length === 0
      ? undefined
      : await extractor.extract(images, { threads, ...(signal === undefined ? {} : { signal }) });
  const width = extractor.features.length;
  let measured = 0;
  return regions.map((region) => {
    const { slice, label } = region;
    if (table === undefined || 'problem' in region)
      return rowOfProblem(slice, label, 'problem' in region ? region.problem : '');
    const row = measured++;
    const at = (column: number) => row * width + column;
    return {
      slice,
      label,
      values: selection.columns.map((column) =>
        table.flags[at(column)] === STANDING.undefined ? null : table.values[at(column)]!,
      ),
      conventional: selection.columns.filter((column) => table.flags[at(column)] === STANDING.conventional)
        .length,
      problem: table.problems[row] ?? null,
    };
  });
}

function rowOfProblem(slice: number | null, label: number | null, problem: string): MeasuredRow {
  return { slice, label, values: null, conventional: 0, problem };
}

/** What a cell can hold of an error; whose image it is stands beside it. */
function reason({ summary, hint }: ThawError): string {
  return hint === undefined ? summary.replace(/\.$/, '') : `${summary} ${hint}`;
}
