import { ThawError } from '../base/errors.js';
import { type Clusters, checkClusters } from './clusters.js';
import type { Resamples } from './resample.js';
import type { SortedRows } from './sorted-scores.js';

/** Replicates whose weights share one double, and how many doubles are walked at a time. */
const LANES = 3;
const WORDS = 2;
const TOGETHER = LANES * WORDS;
/** Whole numbers of a double are exact below this. */
const EXACT = 2 ** 53;

/**
 * AUROC of each label on every resample of the clusters: [labels][replicates], NaN where the resample lacks positives or
 * negatives. The rows are sorted once for all replicates; a resample is a weight of each row (how often its patient was drawn),
 * and the area is Σ over positives of weight × (weight of the negatives below + half of those that are equal). The weights of
 * three replicates are summed in one double (whole numbers below 2^17 or 2^26, side by side), which is exact.
 */
export function resampledAurocs(
  labels: readonly SortedRows[],
  clusters: Clusters,
  resamples: Resamples,
): Float64Array[] {
  if (clusters.count !== resamples.units) {
    throw new ThawError(
      'DATA',
      `expected resamples of ${clusters.count} patients, received ones of ${resamples.units}.`,
      {
        node: 'resamples',
      },
    );
  }
  const walks = labels.map((label) => walkOf(label, clusters));
  const aurocs = labels.map(() => new Float64Array(resamples.replicates));
  const { lane, lanes } = laneOf(clusters, resamples);
  const packed = Array.from({ length: WORDS }, () => new Float64Array(clusters.count));
  const sums = new Float64Array(3 * TOGETHER);
  const step = lanes * WORDS;
  for (let first = 0; first < resamples.replicates; first += step) {
    for (const [word, weights] of packed.entries())
      pack(weights, resamples, first + word * lanes, lanes, lane);
    for (const [index, walk] of walks.entries()) {
      sumPairs(walk, packed[0] as Float64Array, packed[1] as Float64Array, lane, sums);
      const out = aurocs[index] as Float64Array;
      for (let k = 0; k < step && first + k < resamples.replicates; k++) {
        const place = Math.floor(k / lanes) * LANES + (k % lanes);
        const area = sums[place] as number;
        const outer = sums[TOGETHER + place] as number;
        const inner = sums[2 * TOGETHER + place] as number;
        const part = area / (2 * outer * inner);
        out[first + k] = walk.positivesOutside ? part : 1 - part;
      }
    }
  }
  return aurocs;
}

/** Mean over the labels that are defined in each replicate, NaN where none is: `meanOfDefined`, replicate by replicate. */
export function meanOverLabels(values: readonly Float64Array[]): Float64Array {
  return Float64Array.from({ length: values[0]?.length ?? 0 }, (_, replicate) => {
    let sum = 0;
    let defined = 0;
    for (const label of values) {
      const value = label[replicate] as number;
      if (Number.isNaN(value)) continue;
      sum += value;
      defined++;
    }
    return sum / defined;
  });
}

/** One label as it is walked: for each distinct score of the rarer class ("outside") the rows of the other class before it. */
interface Walk {
  readonly positivesOutside: boolean;
  /** Clusters of the rows of the rarer class and of the other, each in ascending order of score. */
  readonly outside: Int32Array;
  readonly inside: Int32Array;
  /** For each distinct score of `outside`: where its rows end, and how many rows of `inside` are below and at most it. */
  readonly ends: Int32Array;
  readonly below: Int32Array;
  readonly upTo: Int32Array;
}

function walkOf({ rows, positive, ends, positives, negatives }: SortedRows, clusters: Clusters): Walk {
  const positivesOutside = positives <= negatives;
  const outsideClass = positivesOutside ? 1 : 0;
  const outside = new Int32Array(Math.min(positives, negatives));
  const inside = new Int32Array(Math.max(positives, negatives));
  const groups: [end: number, below: number, upTo: number][] = [];
  let out = 0;
  let within = 0;
  let place = 0;
  for (const end of ends) {
    const outBefore = out;
    const withinBefore = within;
    for (; place < end; place++) {
      const cluster = clusters.of[rows[place] as number] as number;
      if (positive[place] === outsideClass) outside[out++] = cluster;
      else inside[within++] = cluster;
    }
    if (out > outBefore) groups.push([out, withinBefore, within]);
  }
  const column = (index: 0 | 1 | 2) => Int32Array.from(groups, (group) => group[index]);
  return { positivesOutside, outside, inside, ends: column(0), below: column(1), upTo: column(2) };
}

/**
 * Twice the weighted number of pairs in order (ties half), and the weights of `outside` and `inside`, into `sums`:
 * [pairs | outside | inside][word][lane].
 */
function sumPairs(walk: Walk, first: Float64Array, second: Float64Array, lane: number, sums: Float64Array) {
  const { outside, inside, ends, below, upTo } = walk;
  const squared = lane * lane;
  sums.fill(0);
  let insideFirst = 0;
  let insideSecond = 0;
  let within = 0;
  let out = 0;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let outsideFirst = 0;
  let outsideSecond = 0;
  for (let group = 0; group < ends.length; group++) {
    for (const stop = below[group] as number; within < stop; within++) {
      const cluster = inside[within] as number;
      insideFirst += first[cluster] as number;
      insideSecond += second[cluster] as number;
    }
    let pairsFirst = insideFirst;
    let pairsSecond = insideSecond;
    for (const stop = upTo[group] as number; within < stop; within++) {
      const cluster = inside[within] as number;
      insideFirst += first[cluster] as number;
      insideSecond += second[cluster] as number;
    }
    pairsFirst += insideFirst;
    pairsSecond += insideSecond;
    let weightFirst = 0;
    let weightSecond = 0;
    for (const stop = ends[group] as number; out < stop; out++) {
      const cluster = outside[out] as number;
      weightFirst += first[cluster] as number;
      weightSecond += second[cluster] as number;
    }
    outsideFirst += weightFirst;
    outsideSecond += weightSecond;
    if (weightFirst !== 0) {
      const w2 = Math.floor(weightFirst / squared);
      const w = weightFirst - w2 * squared;
      const w1 = Math.floor(w / lane);
      const c2 = Math.floor(pairsFirst / squared);
      const c = pairsFirst - c2 * squared;
      const c1 = Math.floor(c / lane);
      a0 += (w - w1 * lane) * (c - c1 * lane);
      a1 += w1 * c1;
      a2 += w2 * c2;
    }
    if (weightSecond !== 0) {
      const w2 = Math.floor(weightSecond / squared);
      const w = weightSecond - w2 * squared;
      const w1 = Math.floor(w / lane);
      const c2 = Math.floor(pairsSecond / squared);
      const c = pairsSecond - c2 * squared;
      const c1 = Math.floor(c / lane);
      b0 += (w - w1 * lane) * (c - c1 * lane);
      b1 += w1 * c1;
      b2 += w2 * c2;
    }
  }
  for (; within < inside.length; within++) {
    const cluster = inside[within] as number;
    insideFirst += first[cluster] as number;
    insideSecond += second[cluster] as number;
  }
  sums.set([a0, a1, a2, b0, b1, b2]);
  unpack(outsideFirst, lane, sums, TOGETHER);
  unpack(outsideSecond, lane, sums, TOGETHER + LANES);
  unpack(insideFirst, lane, sums, 2 * TOGETHER);
  unpack(insideSecond, lane, sums, 2 * TOGETHER + LANES);
}

function unpack(packed: number, lane: number, out: Float64Array, offset: number): void {
  const high = Math.floor(packed / (lane * lane));
  const rest = packed - high * lane * lane;
  const middle = Math.floor(rest / lane);
  out[offset] = rest - middle * lane;
  out[offset + 1] = middle;
  out[offset + 2] = high;
}

/** weights[cluster] = Σ over lanes k of count in replicate `first` + k × laneᵏ; replicates past the last count nothing. */
function pack(
  weights: Float64Array,
  { counts, units, replicates }: Resamples,
  first: number,
  lanes: number,
  lane: number,
): void {
  weights.fill(0);
  let scale = 1;
  for (let k = 0; k < lanes && first + k < replicates; k++) {
    const offset = (first + k) * units;
    for (let unit = 0; unit < units; unit++)
      weights[unit] = (weights[unit] as number) + scale * (counts[offset + unit] as number);
    scale *= lane;
  }
}

/**
 * How wide a lane has to be for twice the rows of the largest resample, a power of two, and how many fit: three of up to
 * 2^17, or two of up to 2^26. Throws a ThawError DATA beyond that (33 million rows).
 */
function laneOf(clusters: Clusters, resamples: Resamples): { readonly lane: number; readonly lanes: number } {
  checkClusters(clusters, clusters.of.length);
  const sizes = new Float64Array(clusters.count);
  for (const cluster of clusters.of) sizes[cluster]!++;
  const { counts, units, replicates } = resamples;
  let most = 0;
  for (let replicate = 0; replicate < replicates; replicate++) {
    let rows = 0;
    const offset = replicate * units;
    for (let unit = 0; unit < units; unit++)
      rows += (counts[offset + unit] as number) * (sizes[unit] as number);
    most = Math.max(most, rows);
  }
  for (const lanes of [LANES, 2]) {
    const lane = 2 ** Math.floor(Math.log2(EXACT) / lanes);
    if (2 * most < lane) return { lane, lanes };
  }
  throw new ThawError('DATA', `expected resamples of at most ${2 ** 25} rows, received ${most}.`, {
    node: 'resamples',
  });
}
