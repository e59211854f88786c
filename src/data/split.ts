import { ThawError } from '../base/errors.js';
import { contentId, sha256 } from '../base/hash.js';
import { listSome } from '../base/nearest.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset, SplitName } from './dataset.js';

declare const purpose: unique symbol;
/** Rows of a data set, ascending, marked with what they may be used for: the marks do not mix. */
type RowsFor<Purpose extends string> = Uint32Array & { readonly [purpose]?: Purpose };

/** What may be looked at while a model is trained and chosen. */
export interface SelectionRows {
  readonly train: RowsFor<'selection'>;
  readonly validation: RowsFor<'selection'>;
}

/** What is read once, at the end. */
export interface ReportingRows {
  readonly test: RowsFor<'reporting'>;
}

export interface Split extends SelectionRows, ReportingRows {
  /** In words, for the report. */
  readonly method: string;
  /** Patients in more than one of the three; empty unless leakage was allowed. */
  readonly leakingPatients: readonly string[];
}

export type SplitRule =
  /** By patient; shares of the images for train, validation and test; that for validation may be 0, here and below. */
  | { readonly kind: 'random'; readonly fractions: readonly [number, number, number]; readonly seed: number }
  /** Test images as published; `validation` is the share of the other images that is drawn, by patient. */
  | { readonly kind: 'official'; readonly validation: number; readonly seed: number }
  /**
   * As the table's column or the folders say. Where they name no validation images, the share `validation` (default ⅛, as in
   * 70/10/20) of the training images is drawn by patient with `seed` (default 0).
   */
  | { readonly kind: 'given'; readonly validation?: number | undefined; readonly seed?: number | undefined };

export interface SplitOptions {
  /** Accept patients in more than one split; they are listed in `leakingPatients`. */
  readonly allowLeakage: boolean;
  /** Rows that must not be used (quarantined images). They do not change where other images go. */
  readonly exclude?: ReadonlySet<number> | undefined;
}

const SPLITS: readonly SplitName[] = ['train', 'validation', 'test'];
const DEFAULT_VALIDATION = 1 / 8;

/**
 * Divides the rows of a data set into train, validation and test. Patients are drawn whole: in seeded random order they are
 * laid out along the images' cumulative count, and each goes where its middle falls, so that a share is off by half of one
 * patient's images at most.
 * Throws LEAKAGE when patients are in several splits, CONFIG on impossible shares, DATA when a split stays empty.
 */
export function splitDataset(dataset: Dataset, rule: SplitRule, options: SplitOptions): Split {
  const { assigned, method } = assign(dataset, rule);
  const rows = rowsOfParts(assigned, options.exclude);
  for (const split of SPLITS) {
    if (rows[split].length === 0 && !(split === 'validation' && validationShare(rule) === 0))
      throw emptySplit(dataset, split, rule);
  }
  const leaks = checkPatients(dataset, rows);
  if (leaks.length > 0 && !options.allowLeakage) throw leakage(dataset, leaks);
  return { method, ...rows, leakingPatients: leaks.map(({ patient }) => patient) };
}

/** The share of the images that is drawn for validation, where any is. */
export function validationShare(rule: SplitRule): number {
  return rule.kind === 'random' ? rule.fractions[1] : (rule.validation ?? DEFAULT_VALIDATION);
}

function rowsOfParts(
  assigned: readonly (SplitName | undefined)[],
  exclude: ReadonlySet<number> | undefined,
): Record<SplitName, Uint32Array> {
  const rows = { train: [] as number[], validation: [] as number[], test: [] as number[] };
  for (let row = 0; row < assigned.length; row++) {
    const split = assigned[row];
    if (split !== undefined && exclude?.has(row) !== true) rows[split].push(row);
  }
  return {
    train: Uint32Array.from(rows.train),
    validation: Uint32Array.from(rows.validation),
    test: Uint32Array.from(rows.test),
  };
}

export interface PatientLeak {
  readonly patient: string;
  readonly splits: readonly SplitName[];
}

/** Patients that have images in more than one of the three sets, sorted by id. */
export function checkPatients(dataset: Dataset, rows: SelectionRows & ReportingRows): PatientLeak[] {
  const firstSplit = new Map<string, SplitName>();
  const splitsOf = new Map<string, SplitName[]>();
  for (const split of SPLITS) {
    for (const row of rows[split]) {
      const { patient } = dataset.entries[row]!;
      const first = firstSplit.get(patient);
      if (first === undefined) firstSplit.set(patient, split);
      else if (first !== split) {
        const splits = splitsOf.get(patient) ?? [first];
        if (splits.at(-1) !== split) splits.push(split);
        splitsOf.set(patient, splits);
      }
    }
  }
  return [...splitsOf]
    .map(([patient, splits]) => ({ patient, splits }))
    .sort((a, b) => comparePatients(a.patient, b.patient));
}

/** Content address of the three sets of rows. */
export function splitFingerprint(split: SelectionRows & ReportingRows): string {
  return contentId(
    SPLITS.map((name) => {
      const rows = split[name];
      return sha256(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    }),
  );
}

interface Assignment {
  /** [entries] undefined = not used. */
  readonly assigned: readonly (SplitName | undefined)[];
  readonly method: string;
}

function assign(dataset: Dataset, rule: SplitRule): Assignment {
  switch (rule.kind) {
    case 'random':
      return assignRandom(dataset, rule);
    case 'official':
      return assignOfficial(dataset, rule);
    case 'given':
      return assignGiven(dataset, rule);
  }
}

function assignRandom(dataset: Dataset, rule: Extract<SplitRule, { kind: 'random' }>): Assignment {
  const { fractions, seed } = rule;
  const sum = fractions.reduce((total, fraction) => total + fraction, 0);
  const [train, validation, test] = fractions;
  const areShares = fractions.length === 3 && train > 0 && validation >= 0 && test > 0;
  if (!areShares || Math.abs(sum - 1) > 1e-6) {
    throw new ThawError(
      'CONFIG',
      `expected three shares above 0 (that for validation may be 0) that sum to 1 but found ${fractions.join(', ')}.`,
      {
        node: 'fractions',
        hint: "Such as 'fractions: [0.7, 0.1, 0.2]' for train, validation and test.",
      },
    );
  }
  const bounds = [fractions[0], fractions[0] + fractions[1]] as const;
  const positions = patientPositions(dataset, [...dataset.entries.keys()], seed);
  const assigned = dataset.entries.map(({ patient }) => {
    const position = positions.get(patient)!;
    return SPLITS[position < bounds[0] ? 0 : position < bounds[1] ? 1 : 2];
  });
  const shares = fractions.map((fraction) => Number((100 * fraction).toFixed(1))).join('/');
  return { assigned, method: `random ${shares} by patient, seed ${seed}` };
}

function assignOfficial(dataset: Dataset, rule: Extract<SplitRule, { kind: 'official' }>): Assignment {
  const given = dataset.entries.map(({ split }) => (split === 'validation' ? 'train' : split));
  requireNamedSplits(dataset, given, 'official');
  const assigned = drawValidation(dataset, given, rule.validation, rule.seed);
  return {
    assigned,
    method: `official, ${percent(rule.validation)} of train for validation, seed ${rule.seed}`,
  };
}

function assignGiven(dataset: Dataset, rule: Extract<SplitRule, { kind: 'given' }>): Assignment {
  const given = dataset.entries.map(({ split }) => split);
  requireNamedSplits(dataset, given, 'given');
  if (given.includes('validation')) return { assigned: given, method: 'given' };
  const { seed = 0 } = rule;
  const validation = validationShare(rule);
  const assigned = drawValidation(dataset, given, validation, seed);
  return { assigned, method: `given, ${percent(validation)} of train for validation, seed ${seed}` };
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

function requireNamedSplits(dataset: Dataset, given: readonly (SplitName | undefined)[], kind: string): void {
  if (given.includes('train') && given.includes('test')) return;
  const lacking = given.includes('train')
    ? 'test images'
    : given.includes('test')
      ? 'training images'
      : 'split';
  const published = dataset.entries.some(({ split }) => split === 'validation')
    ? " For chexpert and mura, 'validAs: test' makes the published validation images the test set."
    : '';
  throw new ThawError(
    'DATA',
    `data set '${dataset.name}' names no ${lacking}, which 'split: ${kind}' needs.`,
    {
      file: dataset.root,
      hint: `Add the lists, the split column or the folders, or use split: {kind: random, fractions: [0.7, 0.1, 0.2], seed: 0}.${published}`,
    },
  );
}

function drawValidation(
  dataset: Dataset,
  given: readonly (SplitName | undefined)[],
  share: number,
  seed: number,
): (SplitName | undefined)[] {
  if (!(share >= 0 && share < 1)) {
    throw new ThawError('CONFIG', `expected a share from 0 to below 1 but found ${share}.`, {
      node: 'validation',
    });
  }
  const rows = [...given.keys()].filter((row) => given[row] === 'train');
  const positions = patientPositions(dataset, rows, seed);
  return given.map((split, row) => {
    if (split !== 'train') return split;
    return positions.get(dataset.entries[row]!.patient)! < share ? 'validation' : 'train';
  });
}

/**
 * Where each patient's middle image lies, 0 to 1, when the patients of `rows` are put in seeded random order. Patients are
 * sorted first, so the order of the table does not matter.
 */
function patientPositions(dataset: Dataset, rows: readonly number[], seed: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const { patient } = dataset.entries[row]!;
    counts.set(patient, (counts.get(patient) ?? 0) + 1);
  }
  const patients = new RandomStream(seed, STREAM.split).shuffle([...counts.keys()].sort());
  const positions = new Map<string, number>();
  let before = 0;
  for (const patient of patients) {
    const count = counts.get(patient)!;
    positions.set(patient, (before + count / 2) / rows.length);
    before += count;
  }
  return positions;
}

function emptySplit(dataset: Dataset, split: SplitName, rule: SplitRule): ThawError {
  const patients = new Set(dataset.entries.map(({ patient }) => patient)).size;
  return new ThawError(
    'DATA',
    `no images for ${split}: ${dataset.entries.length} images of ${patients} patients are too few for this split.`,
    {
      node: rule.kind,
      file: dataset.root,
      hint: 'Use larger shares or more patients; quarantined images do not count.',
    },
  );
}

function leakage(dataset: Dataset, leaks: readonly PatientLeak[]): ThawError {
  const named = leaks.map(({ patient, splits }) => `${patient} (${splits.join(', ')})`);
  const total = new Set(dataset.entries.map(({ patient }) => patient)).size;
  return new ThawError(
    'LEAKAGE',
    `${leaks.length} of ${total} patients are in more than one split: ${listSome(named, 10)}.`,
    {
      file: dataset.root,
      hint: "Use split: {kind: random, …}, which keeps patients together; 'allowLeakage: true' goes on regardless, and the report says so.",
    },
  );
}

const collator = new Intl.Collator('en', { numeric: true });
function comparePatients(a: string, b: string): number {
  return collator.compare(a, b);
}
