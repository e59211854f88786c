import { ThawError } from '../base/errors.js';
import { contentId, sha256 } from '../base/hash.js';
import { suggestionOrList } from '../base/nearest.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset, HeldOut } from './dataset.js';

/**
 * Divides a data set by patient into what a source is pretrained on and what is kept for the task it is tried on: all patients
 * with an image of `label`, and patients without any until their images are `negatives` times as many as those of the label.
 */
export interface HoldOutRule {
  readonly label: string;
  /** `equal` is 1. */
  readonly negatives: 'equal' | number;
  /** Of the draw of patients without the label. */
  readonly seed: number;
  /** `upstream`: the other patients, without the label's column; `downstream`: the patients held out. */
  readonly use: HeldOut['use'];
}

/**
 * One side of a data set. Downstream are the images of the label and those of the drawn patients; other images of patients with
 * the label belong to neither side (labels come and go with the reader), so downstream has as many negatives as the rule says, but
 * for the last patient's. No patient is on both sides, and both sides depend on the table alone, not on its order.
 * Throws CONFIG for a label that the data set does not have, DATA when one side has no images.
 */
export function withHoldOut(dataset: Dataset, rule: HoldOutRule): Dataset {
  const column = labelColumn(dataset, rule.label);
  const { positive, negative } = heldOutPatients(dataset, column, rule);
  const isHeldOut = (patient: string) => positive.has(patient) || negative.has(patient);
  const isUsed = (row: number) => {
    const { patient } = dataset.entries[row]!;
    if (rule.use === 'upstream') return !isHeldOut(patient);
    return negative.has(patient) || presence(dataset, row, column) === 1;
  };
  const rows = [...dataset.entries.keys()].filter(isUsed);
  if (positive.size === 0 || rows.length === 0)
    throw new ThawError(
      'DATA',
      positive.size === 0 ? `no image of '${rule.label}' to hold out.` : 'no image is left upstream.',
      { file: dataset.root, node: 'holdOut', hint: 'Choose another label, or fewer `negatives`.' },
    );
  const id = contentId({
    positive: sha256([...positive].sort().join('\n')),
    negative: sha256([...negative].sort().join('\n')),
  });
  const part = takeRows(dataset, rows, rule.use === 'upstream' ? column : undefined);
  return {
    ...part,
    heldOut: { id, use: rule.use },
    notes: [...dataset.notes, noteOf(rule, part, positive, negative)],
  };
}

function labelColumn({ name, labelNames }: Dataset, label: string): number {
  const column = labelNames.findIndex((known) => known.toLowerCase() === label.trim().toLowerCase());
  if (column >= 0) return column;
  throw new ThawError('CONFIG', `data set '${name}' has no label '${label}'.`, {
    node: 'holdOut.label',
    hint: suggestionOrList(label, labelNames),
  });
}

function presence({ labels, labelNames }: Dataset, row: number, column: number): number {
  return labels[row * labelNames.length + column]!;
}

/** Patients with the label, and the drawn ones that are known not to have it. */
function heldOutPatients(dataset: Dataset, column: number, { negatives, seed }: HoldOutRule) {
  const positive = new Set<string>();
  const unknown = new Set<string>();
  const images = new Map<string, number>();
  let positiveImages = 0;
  for (const [row, { patient }] of dataset.entries.entries()) {
    const value = presence(dataset, row, column);
    images.set(patient, (images.get(patient) ?? 0) + 1);
    if (value === 1) positive.add(patient);
    if (value === 1) positiveImages++;
    if (Number.isNaN(value)) unknown.add(patient);
  }
  const others = [...images.keys()].filter((patient) => !positive.has(patient) && !unknown.has(patient));
  const wanted = positiveImages * (negatives === 'equal' ? 1 : negatives);
  const negative = new Set<string>();
  let drawn = 0;
  for (const patient of new RandomStream(seed, STREAM.holdOut).shuffle(others.sort())) {
    if (drawn >= wanted) break;
    negative.add(patient);
    drawn += images.get(patient)!;
  }
  return { positive, negative };
}

/** The data set of some rows, in their order, perhaps without one label. */
function takeRows(dataset: Dataset, rows: readonly number[], dropped: number | undefined): Dataset {
  const kept = [...dataset.labelNames.keys()].filter((column) => column !== dropped);
  const labels = new Float32Array(rows.length * kept.length);
  for (const [index, row] of rows.entries())
    for (const [place, column] of kept.entries())
      labels[index * kept.length + place] = presence(dataset, row, column);
  const { embedded } = dataset;
  return {
    ...dataset,
    entries: rows.map((row) => dataset.entries[row]!),
    labelNames: kept.map((column) => dataset.labelNames[column]!),
    labels,
    ...(embedded === undefined
      ? {}
      : {
          embedded: { identity: () => embedded.identity(), read: (row: number) => embedded.read(rows[row]!) },
        }),
  };
}

function noteOf(
  { label, use }: HoldOutRule,
  { entries }: Dataset,
  positive: ReadonlySet<string>,
  negative: ReadonlySet<string>,
): string {
  const held = `${positive.size} patients with ${label} and ${negative.size} without`;
  return use === 'upstream'
    ? `${held} are held out: ${entries.length} images of other patients are left, without the label ${label}`
    : `only patients held out from pretraining are used: ${held}, ${entries.length} images`;
}
