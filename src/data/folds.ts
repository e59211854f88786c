import { ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';

/** What folds are made of: one entry a row, rows of one patient stay together. */
export interface FoldRows {
  /** [rows] */
  readonly patients: readonly string[];
  /** [rows × outputs] 1 = present; all else counts as absent. */
  readonly targets: ArrayLike<number>;
  readonly outputs: number;
}

interface Patient {
  readonly rows: number[];
  readonly labels: Set<number>;
}

/**
 * Folds for cross-validation, [rows] from 0 to `folds` − 1: by patient, and with each label's patients shared out evenly, by
 * the iterative stratification of Sechidis, Tsoumakas and Vlahavas (ECML PKDD 2011, doi 10.1007/978-3-642-23808-6_10). A
 * patient has the labels of any of their rows. One division serves all labels; it does not depend on the order of the rows.
 * Throws CONFIG for less than two folds, DATA where there are fewer patients than folds.
 */
export function patientFolds(rows: FoldRows, folds: number, seed: number): Uint32Array {
  if (!Number.isInteger(folds) || folds < 2) {
    throw new ThawError('CONFIG', `expected at least 2 folds but received ${folds}.`, { node: 'folds' });
  }
  const random = new RandomStream(seed, STREAM.folds);
  const patients = random.shuffle(patientsOf(rows));
  if (patients.length < folds) {
    throw new ThawError('DATA', `${folds} folds need as many patients, but there are ${patients.length}.`, {
      node: 'folds',
      hint: 'Use fewer folds or more patients.',
    });
  }
  const stratification = new Stratification(patients, rows.outputs, folds, random);
  const result = new Uint32Array(rows.patients.length);
  for (const [index, fold] of stratification.assign().entries()) {
    for (const row of patients[index]!.rows) result[row] = fold;
  }
  return result;
}

/** Sorted by id. */
function patientsOf({ patients, targets, outputs }: FoldRows): Patient[] {
  const byId = new Map<string, Patient>();
  for (const [row, id] of patients.entries()) {
    const patient = byId.get(id) ?? { rows: [], labels: new Set<number>() };
    byId.set(id, patient);
    patient.rows.push(row);
    for (let output = 0; output < outputs; output++) {
      if (targets[row * outputs + output] === 1) patient.labels.add(output);
    }
  }
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, patient]) => patient);
}

/** Wishes are kept times the number of folds, so that they are whole numbers. */
class Stratification {
  private readonly fold: Int32Array;
  /** [labels] patients that have it and no fold yet. */
  private readonly remaining: Int32Array;
  /** [folds][labels] and [folds]: how many more patients a fold is to get, times the number of folds. */
  private readonly wanted: readonly Int32Array[];
  private readonly room: Int32Array;

  constructor(
    private readonly patients: readonly Patient[],
    labels: number,
    private readonly folds: number,
    private readonly random: RandomStream,
  ) {
    this.fold = new Int32Array(patients.length).fill(-1);
    this.remaining = new Int32Array(labels);
    for (const patient of patients) for (const label of patient.labels) this.remaining[label]!++;
    this.wanted = Array.from({ length: folds }, () => this.remaining.slice());
    this.room = new Int32Array(folds).fill(patients.length);
  }

  /** [patients] */
  assign(): Int32Array {
    for (let label = this.rarest(); label >= 0; label = this.rarest()) {
      for (const [index, patient] of this.patients.entries()) {
        if (this.fold[index] === -1 && patient.labels.has(label)) this.place(index, label);
      }
    }
    for (const index of this.patients.keys()) if (this.fold[index] === -1) this.place(index, -1);
    return this.fold;
  }

  /** The label that the fewest patients without a fold have; −1 when none has any. */
  private rarest(): number {
    let rarest = -1;
    for (const [label, count] of this.remaining.entries()) {
      if (count > 0 && (rarest < 0 || count < this.remaining[rarest]!)) rarest = label;
    }
    return rarest;
  }

  /** In the fold that wants most of the label, then has the most room, then any of those. */
  private place(index: number, label: number): void {
    const wish = (fold: number) => (label < 0 ? 0 : this.wanted[fold]![label]!);
    let best: number[] = [0];
    for (let fold = 1; fold < this.folds; fold++) {
      const difference = wish(fold) - wish(best[0]!) || this.room[fold]! - this.room[best[0]!]!;
      if (difference > 0) best = [fold];
      else if (difference === 0) best.push(fold);
    }
    const fold = best[best.length === 1 ? 0 : this.random.integer(best.length)]!;
    this.fold[index] = fold;
    this.room[fold]! -= this.folds;
    for (const own of this.patients[index]!.labels) {
      this.wanted[fold]![own]! -= this.folds;
      this.remaining[own]!--;
    }
  }
}
