import { RandomStream, STREAM } from '../../src/base/random.js';
import type { CurveSample } from '../../src/stats/learning-curve.js';
import { lawAt, type PowerLaw } from '../../src/stats/power-law.js';

export const LADDER = [50, 100, 200, 400, 800, 1600] as const;

export interface Planted {
  readonly law: PowerLaw;
  readonly sizes?: readonly number[];
  readonly seeds?: number;
  /** Between seeds at the smallest size; falls with N^−0.35. */
  readonly sd?: number;
  /** Correlation of neighbouring sizes within a seed, as nested subsets have it. */
  readonly correlation?: number;
  /** Of the study: other numbers, other noise. */
  readonly study?: number;
  /** Share of the noise that is the same for every curve of this study and seed. */
  readonly shared?: number;
  readonly curve?: number;
}

/** What a sweep of one method finds when its expected AUROC follows `law`. */
export function plantedCurve({
  law,
  sizes = LADDER,
  seeds = 5,
  sd = 0.03,
  correlation = 0.3,
  study = 0,
  shared = 0,
  curve = 0,
}: Planted): CurveSample[] {
  const samples = sizes.map((n) => ({ n, values: [] as { seed: number; value: number }[] }));
  for (let seed = 0; seed < seeds; seed++) {
    const common = new RandomStream(study, STREAM.phantom, seed);
    const own = new RandomStream(study, STREAM.phantom, 1000 * (curve + 1) + seed);
    const draw = () => Math.sqrt(shared) * common.normal() + Math.sqrt(1 - shared) * own.normal();
    let noise = draw();
    for (const [index, n] of sizes.entries()) {
      if (index > 0) noise = correlation * noise + Math.sqrt(1 - correlation ** 2) * draw();
      const value = lawAt(law, n) + sd * (n / sizes[0]!) ** -0.35 * noise;
      samples[index]!.values.push({ seed, value });
    }
  }
  return samples;
}
