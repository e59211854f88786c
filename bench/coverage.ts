import { RandomStream, STREAM } from '../src/base/random.js';
import { delongInterval, scoreInterval } from '../src/stats/auroc-interval.js';
import { percentileInterval } from '../src/stats/bootstrap.js';
import { singleRows } from '../src/stats/clusters.js';
import type { Estimate } from '../src/stats/estimate.js';
import { type AurocEstimate, estimateAuroc } from '../src/stats/influence.js';
import { normalProbability } from '../src/stats/normal.js';
import { drawResamples } from '../src/stats/resample.js';
import { resampledAurocs } from '../src/stats/resampled-auroc.js';
import { type SortedRows, sortRows } from '../src/stats/sorted-scores.js';
import type { BenchLine } from './bench.js';

const STUDIES = 1000;
const REPLICATES = 400;
/** Distance of the means of two normal scores; AUROC = Φ(distance / √2) = 0.802. */
const DISTANCE = 1.2;

type Method = (auroc: AurocEstimate, sorted: SortedRows, study: number) => Estimate | null;

const METHODS: Readonly<Record<string, Method>> = {
  'DeLong plain normal': (auroc) => delongInterval(auroc, { scale: 'plain', reference: 'normal' }),
  'DeLong logit normal': (auroc) => delongInterval(auroc, { reference: 'normal' }),
  'DeLong logit t': (auroc) => delongInterval(auroc),
  'score (Newcombe)': (auroc) => scoreInterval(auroc),
  'bootstrap percentile': (auroc, sorted, study) => {
    const rows = sorted.rows.length;
    const resamples = drawResamples({ units: rows, replicates: REPLICATES, seed: study });
    return percentileInterval(auroc.value, resampledAurocs([sorted], singleRows(rows), resamples)[0]!);
  },
};

/**
 * Part of 1,000 simulated studies (binormal scores, targets drawn) whose nominal 95 % interval holds the true AUROC, in percent
 * (`ours`; `peer` = the nominal 95), of the studies that have an interval; their part stands in the name of the case.
 */
export async function* run(): AsyncIterable<BenchLine> {
  for (const rows of [50, 200, 2000]) {
    for (const prevalence of [0.02, 0.1, 0.5]) yield* cover(rows, prevalence);
  }
}

function* cover(rows: number, prevalence: number): Iterable<BenchLine> {
  const truth = normalProbability(DISTANCE / Math.SQRT2);
  const found = Object.keys(METHODS).map(() => ({ given: 0, held: 0 }));
  for (let study = 0; study < STUDIES; study++) {
    const random = new RandomStream(rows * 1000 + Math.round(prevalence * 100), STREAM.phantom, study);
    const targets = Float64Array.from({ length: rows }, () => (random.uniform() < prevalence ? 1 : 0));
    const sorted = sortRows(
      targets.map((target) => DISTANCE * target + random.normal()),
      targets,
    );
    const auroc = estimateAuroc(sorted, singleRows(rows));
    if (auroc === null) continue;
    for (const [index, [name, method]] of Object.entries(METHODS).entries()) {
      // A resample of thousands costs as much as all else; the bootstrap is known well at that size.
      if (rows > 200 && name === 'bootstrap percentile') continue;
      const interval = method(auroc, sorted, study);
      if (interval === null) continue;
      found[index]!.given++;
      if (interval.low <= truth && truth <= interval.high) found[index]!.held++;
    }
  }
  for (const [index, name] of Object.keys(METHODS).entries()) {
    const { given, held } = found[index]!;
    if (given === 0) continue;
    const part = Math.round((100 * given) / STUDIES);
    yield {
      bench: 'coverage',
      case: `${name}, n = ${rows}, prevalence ${prevalence}, interval in ${part} % of studies`,
      ours: (100 * held) / given,
      peer: 95,
      ratio: null,
      unit: '%',
    };
  }
}
