import { ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';

/** Bootstrap samples as counts: how often each unit (patient, or row) is in each replicate. */
export interface Resamples {
  readonly replicates: number;
  readonly units: number;
  /** [replicates × units]. A byte is enough: 256 of one unit in a replicate has a chance below 1e-500. */
  readonly counts: Uint8Array;
}

/**
 * Draws units with replacement, as many as there are, within each stratum if `strata` ([units], any numbers) are given
 * (Efron & Tibshirani, An Introduction to the Bootstrap, 1993). Replicate r depends on seed and r alone, so the same
 * resamples pair up metrics, methods and trials that share test patients.
 */
export function drawResamples(options: {
  readonly units: number;
  readonly replicates: number;
  readonly seed: number;
  readonly strata?: ArrayLike<number>;
}): Resamples {
  const { units, replicates, seed, strata } = options;
  if (units < 1 || replicates < 1) {
    throw new ThawError(
      'DATA',
      `expected at least one unit and one replicate, received ${units} and ${replicates}.`,
      {
        node: 'bootstrap',
      },
    );
  }
  const members = strataOf(units, strata);
  const counts = new Uint8Array(units * replicates);
  for (let replicate = 0; replicate < replicates; replicate++) {
    const random = new RandomStream(seed, STREAM.bootstrap, replicate);
    const first = replicate * units;
    for (const stratum of members) {
      const size = stratum.length;
      for (let draw = 0; draw < size; draw++) counts[first + (stratum[random.integer(size)] as number)]!++;
    }
  }
  return { replicates, units, counts };
}

/** The counts of one replicate, [units]; a view. */
export function replicateCounts({ counts, units }: Resamples, replicate: number): Uint8Array {
  return counts.subarray(replicate * units, (replicate + 1) * units);
}

/** The units of each stratum; all in one without strata. */
function strataOf(units: number, strata: ArrayLike<number> | undefined): readonly Int32Array[] {
  if (strata === undefined) return [Int32Array.from({ length: units }, (_, unit) => unit)];
  if (strata.length !== units) {
    throw new ThawError('DATA', `expected a stratum for each of ${units} units, received ${strata.length}.`, {
      node: 'strata',
    });
  }
  const members = new Map<number, number[]>();
  for (let unit = 0; unit < units; unit++) {
    const stratum = strata[unit] as number;
    const list = members.get(stratum);
    if (list === undefined) members.set(stratum, [unit]);
    else list.push(unit);
  }
  return [...members.values()].map((list) => Int32Array.from(list));
}
