import { RandomStream, STREAM } from '../base/random.js';
import { type SizeValues, varianceBySize } from './size-variance.js';
import { mean } from './summary.js';

/** One training set size of a curve. */
export interface CurveSample {
  readonly n: number;
  /** One value (AUROC) a seed. */
  readonly values: readonly { readonly seed: number; readonly value: number }[];
  /**
   * [replicates] How far a resample of the test patients moves the mean at this size; the same patients in the same replicate
   * at all sizes and in all curves that are compared.
   */
  readonly patientShifts?: ArrayLike<number>;
}

export interface NoiseOptions {
  /** Of the random numbers. */
  readonly seed: number;
  readonly replicates: number;
  /** A number of its own for each curve that is compared with others; what seeds have in common stays common to all. */
  readonly curve?: number;
}

/** What the means of a curve could have been as well. */
export interface CurveNoise {
  /** [sizes] Mean over seeds. */
  readonly means: readonly number[];
  /** [sizes] Variance of the mean from seeds; undefined where no size has two seeds. */
  readonly variances: readonly number[] | undefined;
  /** Distinct seeds. */
  readonly seeds: number;
  /** Draws the deviations of replicate 0, 1 … [sizes]; undefined where neither seeds nor patients say anything of noise. */
  readonly draw: (() => Float64Array) | undefined;
}

/** Seeds are 32 bit; the parts that curves do not share are drawn under other keys. */
const OWN_KEY = 0x9e3779b9;

/**
 * Noise of the means over seeds by a multiplier bootstrap (Mammen, Ann Stat 1993;21:255-285; by cluster: Cameron, Gelbach &
 * Miller, Rev Econ Stat 2008;90:414-427). In a replicate each seed j has one standard normal gⱼ, whatever the size and the
 * curve, so that the deviation √(vᵢ / kᵢ) Σⱼ gⱼ eᵢⱼ / ‖eᵢ‖ at size i (e: residuals from the size's mean, v: `varianceBySize`) is
 * correlated between sizes and curves as the trials were: subsets are nested within a seed, and compared trials share them.
 * Of k seeds the correlation itself is known with a variance of about 1 / (k − 1) only; that share of each deviation is drawn
 * independently. Each is scaled by √(ν / χ²_ν), for its v has ν degrees of freedom. `patientShifts` are added.
 */
export function curveNoise(samples: readonly CurveSample[], options: NoiseOptions): CurveNoise {
  const seeds = [...new Set(samples.flatMap(({ values }) => values.map(({ seed }) => seed)))];
  seeds.sort((a, b) => a - b);
  const means = samples.map(({ values }) => mean(values.map(({ value }) => value)) ?? 0);
  const sizes: SizeValues[] = samples.map(({ n, values }) => ({
    n,
    values: values.map(({ value }) => value),
  }));
  const spread = varianceBySize(sizes);
  const variances = spread?.variances.map((variance, index) => variance / sizes[index]!.values.length);
  const drawSeeds =
    variances === undefined
      ? undefined
      : seedDraws(samples, means, seeds, { variances, degrees: spread!.degrees }, options);
  const shifts = samples.map(({ patientShifts }) => patientShifts);
  const known = shifts.every((shift) => shift !== undefined);
  let replicate = 0;
  const draw = (): Float64Array => {
    const noise = drawSeeds?.() ?? new Float64Array(samples.length);
    if (known) for (let i = 0; i < noise.length; i++) noise[i]! += shifts[i]![replicate] ?? 0;
    replicate++;
    return noise;
  };
  const any = drawSeeds !== undefined || known;
  return { means, variances, seeds: seeds.length, draw: any ? draw : undefined };
}

function seedDraws(
  samples: readonly CurveSample[],
  means: readonly number[],
  seeds: readonly number[],
  { variances, degrees }: { readonly variances: readonly number[]; readonly degrees: readonly number[] },
  { seed, curve = 0 }: NoiseOptions,
): () => Float64Array {
  const directions = samples.map(({ values }, i) => {
    const row = new Float64Array(seeds.length);
    for (const { seed: of, value } of values) row[seeds.indexOf(of)] = value - means[i]!;
    const length = Math.hypot(...row);
    return length > 0 ? row.map((residual) => residual / length) : undefined;
  });
  const own = seeds.length > 1 ? Math.min(1, 1 / (seeds.length - 1)) : 1;
  const shared = seeds.map((of) => new RandomStream(seed, STREAM.bootstrap, of));
  const alone = new RandomStream((seed ^ OWN_KEY) >>> 0, STREAM.bootstrap, curve);
  const multipliers = new Float64Array(seeds.length);
  return () => {
    for (let j = 0; j < seeds.length; j++) multipliers[j] = shared[j]!.normal();
    return Float64Array.from(variances, (variance, i) => {
      const direction = directions[i];
      const free = alone.normal();
      let common = free;
      if (direction !== undefined) {
        common = 0;
        for (let j = 0; j < seeds.length; j++) common += direction[j]! * multipliers[j]!;
      }
      const scale = Math.sqrt((variance * degrees[i]!) / chiSquared(alone, degrees[i]!));
      return scale * (Math.sqrt(1 - own) * common + Math.sqrt(own) * free);
    });
  };
}

/** Above these the scale √(ν / χ²_ν) hardly differs from 1, and its normal approximation is as good. */
const MANY_DEGREES = 60;

function chiSquared(random: RandomStream, degrees: number): number {
  if (degrees > MANY_DEGREES) {
    // Wilson & Hilferty, PNAS 1931;17:684-688.
    const scale = 2 / (9 * degrees);
    return degrees * (1 - scale + random.normal() * Math.sqrt(scale)) ** 3;
  }
  let sum = 0;
  for (let i = 0; i < degrees; i++) sum += random.normal() ** 2;
  return sum;
}
