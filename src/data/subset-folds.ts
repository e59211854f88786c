import { ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset } from './dataset.js';
import type { DrawnSubset, Subset } from './subset.js';
import type { Task } from './task.js';

/** A training subset without the patients of one fold, and that fold. */
export interface SubsetFold {
  /** Positives that the subset repeats are repeated here. */
  readonly training: Subset;
  /** Distinct rows, ascending. */
  readonly heldOut: Uint32Array;
  readonly heldOutPatients: number;
}

/**
 * Cuts a training subset into `count` folds by patient. Patients are dealt out one after another in the order in which a
 * growing subset takes them up, so that within a seed, unit and count **a patient's fold is the same at every size**: each goes
 * where their rarest label (of the images taken up so far) has the fewest images, then where there are the fewest images at
 * all, then anywhere of those. Folds of one-image patients of a binary task then differ by at most one positive image, and two
 * images in all, at every size. Drawn from the substream `count` of `STREAM.folds`.
 * Throws DATA for fewer patients than folds, and where a fold, or what is left without it, has no output with both classes:
 * nothing can be learned or chosen on it.
 */
export function subsetFolds(
  task: Task,
  dataset: Dataset,
  subset: DrawnSubset,
  count: number,
  seed: number,
): SubsetFold[] {
  if (subset.patients < count) {
    throw new ThawError(
      'DATA',
      `${count} folds need as many patients, but the training subset has ${subset.patients}.`,
      { node: 'validation', hint: 'Use fewer folds or a larger n.' },
    );
  }
  const foldOf = dealOut(task, dataset, subset, count, new RandomStream(seed, STREAM.folds, count));
  const folds = Array.from({ length: count }, (_, fold): SubsetFold => {
    const heldOut = subset.order.filter((row) => foldOf[row] === fold).sort();
    const rows = subset.rows.filter((row) => foldOf[row] !== fold);
    const heldOutPatients = new Set(Array.from(heldOut, (row) => dataset.entries[row]!.patient)).size;
    const images = subset.images - heldOut.length;
    const patients = subset.patients - heldOutPatients;
    const training = { rows, unit: subset.unit, images, patients, oversampled: rows.length - images };
    return { training, heldOut, heldOutPatients };
  });
  for (const [index, { heldOut, training }] of folds.entries()) {
    if (hasBothClasses(task, heldOut) && hasBothClasses(task, training.rows)) continue;
    throw oneSided(task, dataset, subset, index, count);
  }
  return folds;
}

/** [rows of the data set] the fold of each row of the subset. */
function dealOut(
  { targets, outputNames }: Task,
  { entries }: Dataset,
  { order, unit }: DrawnSubset,
  count: number,
  random: RandomStream,
): Uint8Array {
  const outputs = outputNames.length;
  const foldOfRow = new Uint8Array(entries.length);
  const foldOf = new Map<string, number>();
  /** Images of each fold; [outputs][folds] of them with each label; [outputs] in all folds. */
  const images = new Uint32Array(count);
  const ofLabel = outputNames.map(() => new Uint32Array(count));
  const inAll = new Uint32Array(outputs);
  const labelsOf = (row: number) =>
    outputNames.flatMap((_, output) => (targets[row * outputs + output] === 1 ? output : []));
  for (let from = 0, to = 1; from < order.length; from = to, to++) {
    const { patient } = entries[order[from]!]!;
    // Where patients are counted, all images of one are taken up at once.
    if (unit === 'patients') while (to < order.length && entries[order[to]!]!.patient === patient) to++;
    const labels = [...order.subarray(from, to)].flatMap(labelsOf);
    let fold = foldOf.get(patient);
    if (fold === undefined) {
      const [first, ...others] = labels;
      const rarest = others.reduce((a, b) => (inAll[b]! < inAll[a!]! ? b : a), first);
      fold = emptiest(rarest === undefined ? [images] : [ofLabel[rarest]!, images], random);
      foldOf.set(patient, fold);
    }
    for (let place = from; place < to; place++) foldOfRow[order[place]!] = fold;
    images[fold]! += to - from;
    for (const label of labels) {
      ofLabel[label]![fold]!++;
      inAll[label]!++;
    }
  }
  return foldOfRow;
}

/** The place where the first of the counts is lowest; the next ones, then chance, decide between equals. */
function emptiest(counts: readonly Uint32Array[], random: RandomStream): number {
  let best = [...counts[0]!.keys()];
  for (const values of counts) {
    const lowest = Math.min(...best.map((place) => values[place]!));
    best = best.filter((place) => values[place] === lowest);
  }
  return best[best.length === 1 ? 0 : random.integer(best.length)]!;
}

/** Whether any output is known to be present in some of the rows and absent in others. */
function hasBothClasses({ targets, outputNames }: Task, rows: Uint32Array): boolean {
  const outputs = outputNames.length;
  return outputNames.some((_, output) => {
    const has = (value: number) => rows.some((row) => targets[row * outputs + output] === value);
    return has(0) && has(1);
  });
}

function oneSided(
  { name, outputNames, targets }: Task,
  { entries }: Dataset,
  { order, patients }: DrawnSubset,
  fold: number,
  count: number,
): ThawError {
  const outputs = outputNames.length;
  const having = (output: number, value: number) =>
    new Set(
      [...order].flatMap((row) => (targets[row * outputs + output] === value ? entries[row]!.patient : [])),
    ).size;
  const rarer = outputNames.map((_, output) => Math.min(having(output, 0), having(output, 1)));
  const most = Math.max(...rarer);
  const lacks =
    outputs === 1
      ? `not both images with and without ${outputNames[0]}: only ${most} of ${patients} patients have the rarer kind`
      : `no label that some images have and others have not (${patients} patients in all)`;
  const fewer = most >= 2 && most < count ? `at most cv:${most}` : 'fewer folds';
  return new ThawError('DATA', `fold ${fold + 1} of ${count}, or what is left without it, has ${lacks}.`, {
    node: name,
    hint: `Use ${fewer}, a larger n, or \`validation: proportional\`.`,
  });
}
