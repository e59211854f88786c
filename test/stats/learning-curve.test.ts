import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import {
  type NeededSize,
  type NoAnswer,
  sizeBoundText,
  sizeForTarget,
  sizeWithinPlateau,
  valueAt,
} from '../../src/stats/curve-answers.js';
import { type CurveSample, fitLearningCurve, type LearningCurve } from '../../src/stats/learning-curve.js';
import { lawAt, type PowerLaw, powerLawFitter, sizeAt } from '../../src/stats/power-law.js';
import { varianceBySize } from '../../src/stats/size-variance.js';
import { LADDER, plantedCurve } from './planted-curve.js';

interface Golden {
  readonly cases: readonly {
    readonly sizes: readonly number[];
    readonly values: readonly number[];
    readonly sigma: readonly number[];
    readonly fit: PowerLaw & { readonly chi2: number };
  }[];
}

const law: PowerLaw = { a: 0.85, b: 1.2, c: 0.5 };

function curveOf(samples: readonly CurveSample[], replicates = 300): LearningCurve {
  const curve = fitLearningCurve(samples, { replicates });
  assert.ok(curve.fitted);
  return curve;
}

test('weighted bounded fits are those of scipy.optimize.curve_fit', () => {
  const file = new URL('golden/learning-curve.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as Golden;
  assert.equal(cases.length, 16);
  for (const { sizes, values, sigma, fit: golden } of cases) {
    const fit = powerLawFitter(
      sizes,
      sigma.map((s) => 1 / s ** 2),
    )(values);
    const where = `${sizes.length} sizes, ${JSON.stringify(golden)} and ${JSON.stringify(fit)}`;
    assert.ok(fit.chi2 <= golden.chi2 * (1 + 1e-7), where);
    assert.ok(Math.abs(fit.a - golden.a) < 2e-5, where);
    assert.ok(Math.abs(fit.c - golden.c) < 2e-4 * golden.c, where);
    for (const n of sizes) assert.ok(Math.abs(lawAt(fit, n) - lawAt(golden, n)) < 1e-5, where);
  }
});

test('planted parameters are recovered from points without noise, limits included', () => {
  const planted: PowerLaw[] = [
    law,
    { a: 0.99, b: 0.6, c: 0.08 },
    { a: 0.7, b: 30, c: 1.3 },
    { a: 1, b: 0.9, c: 0.3 },
    { a: 0.8, b: 400, c: 2 },
  ];
  for (const truth of planted) {
    const fit = powerLawFitter(
      LADDER,
      LADDER.map(() => 1),
    )(LADDER.map((n) => lawAt(truth, n)));
    assert.ok(Math.abs(fit.c / truth.c - 1) < 1e-4, JSON.stringify({ truth, fit }));
    assert.ok(Math.abs(fit.a - truth.a) < 1e-4, JSON.stringify({ truth, fit }));
    assert.ok(Math.abs(fit.b / truth.b - 1) < 1e-3, JSON.stringify({ truth, fit }));
  }
});

test('bounds hold: a falling curve is a level, one that leaves the range ends at its edge', () => {
  const equal = LADDER.map(() => 1);
  const falling = powerLawFitter(LADDER, equal)([0.8, 0.78, 0.76, 0.74, 0.72, 0.7]);
  assert.equal(falling.flat, true);
  assert.ok(Math.abs(falling.a - 0.75) < 1e-12, 'the mean of the points');
  const below = powerLawFitter(LADDER, equal)([0.4, 0.41, 0.42, 0.4, 0.43, 0.41]);
  assert.equal(below.a, 0.5);
  const beyond = powerLawFitter(LADDER, equal)([0.5, 0.6, 0.7, 0.8, 0.9, 0.999]);
  assert.equal(beyond.a, 1);
});

test('inverse of the law: closed forms', () => {
  assert.ok(Math.abs(sizeAt({ a: 0.9, b: 2, c: 0.5 }, 0.8) - 400) < 1e-9, '(2 / 0.1)^2');
  assert.equal(sizeAt({ a: 0.8, b: 2, c: 0.5 }, 0.8), Number.POSITIVE_INFINITY);
});

test('variances between seeds: the trend is found, and seeds that agree by luck do not rule', () => {
  const random = new RandomStream(3, STREAM.phantom);
  const sizes = LADDER.map((n) => ({
    n,
    values: Array.from({ length: 200 }, () => 0.04 * (n / 50) ** -0.5 * random.normal()),
  }));
  const { variances, degrees } = varianceBySize(sizes)!;
  for (const [index, n] of LADDER.entries()) {
    const truth = 0.04 ** 2 * (50 / n);
    assert.ok(Math.abs(variances[index]! / truth - 1) < 0.3, `N ${n}: ${variances[index]} and ${truth}`);
    assert.equal(degrees[index], 203);
  }
  const lucky = sizes.map(({ n, values }, index) => ({
    n,
    values: index === 2 ? [0.7, 0.7, 0.7] : values.slice(0, 3),
  }));
  const moderated = varianceBySize(lucky)!.variances;
  assert.ok(moderated[2]! > moderated[3]! / 10, `${moderated}`);
  assert.equal(varianceBySize([{ n: 50, values: [0.7] }]), undefined);
});

test('a curve of five seeds is extrapolated with a band around what was planted', () => {
  const curve = curveOf(plantedCurve({ law }));
  assert.deepEqual(curve.varied, { seeds: true, patients: false });
  assert.equal(curve.support.extrapolation.supported, true);
  for (const n of [50, 300, 1600, 3200, 6400]) {
    const value = valueAt(curve, n);
    assert.ok(value.answered, JSON.stringify(value));
    assert.equal(value.extrapolated, n > 1600);
    assert.ok(value.low! < lawAt(law, n) && lawAt(law, n) < value.high!, JSON.stringify(value));
  }
  assert.deepEqual(valueAt(curve, 40), {
    answered: false,
    reason: 'below-range',
    why: 'N = 40 is below the smallest size that was tested, 50',
  });
  assert.equal((valueAt(curve, 6500) as NoAnswer).reason, 'beyond-reach');
});

test('the same samples give the same curve, whatever their order', () => {
  const samples = plantedCurve({ law });
  const again = curveOf(samples.toReversed());
  assert.deepEqual(again, curveOf(samples));
});

test('bands cover planted curves about as often as they say (small; docs/learning-curves.md has more)', () => {
  let inside = 0;
  let asked = 0;
  for (let study = 0; study < 80; study++) {
    const curve = curveOf(plantedCurve({ law, study }), 200);
    for (const n of [50, 300, 1600, 3200]) {
      const value = valueAt(curve, n);
      if (!value.answered) continue;
      asked++;
      inside += value.low! <= lawAt(law, n) && lawAt(law, n) <= value.high! ? 1 : 0;
    }
  }
  assert.ok(asked > 300, `${asked} answers`);
  assert.ok(inside / asked > 0.88 && inside / asked < 0.98, `${inside} of ${asked}`);
});

test('uncertainty from patients is added to that from seeds, and is enough alone', () => {
  const random = new RandomStream(1, STREAM.phantom);
  const shared = Float64Array.from({ length: 300 }, () => 0.02 * random.normal());
  const seedsOnly = plantedCurve({ law });
  const both = seedsOnly.map((sample) => ({ ...sample, patientShifts: shared }));
  const width = (curve: LearningCurve) => {
    const value = valueAt(curve, 800);
    assert.ok(value.answered);
    return value.high! - value.low!;
  };
  const [narrow, wide] = [width(curveOf(seedsOnly)), width(curveOf(both))];
  // A shift of all points by sd 0.02 alone has a 95 % interval of 2 · 1.96 · 0.02 = 0.078.
  assert.ok(narrow < 0.03 && wide > 0.07 && wide < 0.1, `${narrow} ${wide}`);
  const single = plantedCurve({ law, seeds: 1, sd: 0.002 }).map((sample) => ({
    ...sample,
    patientShifts: shared,
  }));
  const patientsOnly = curveOf(single);
  assert.deepEqual(patientsOnly.varied, { seeds: false, patients: true });
  assert.ok(Math.abs(width(patientsOnly) / 0.078 - 1) < 0.15);
});

const refusals: readonly {
  readonly name: string;
  readonly samples: CurveSample[];
  readonly reason: string;
}[] = [
  { name: 'one seed', samples: plantedCurve({ law, seeds: 1 }), reason: 'noise-unknown' },
  {
    name: 'sizes close together',
    samples: plantedCurve({ law, sizes: [100, 150, 200, 300] }),
    reason: 'narrow-range',
  },
  {
    name: 'a fall in the middle',
    samples: plantedCurve({ law, sd: 0.005 }).map((sample) =>
      sample.n === 400
        ? { n: 400, values: sample.values.map(({ seed, value }) => ({ seed, value: value - 0.15 })) }
        : sample,
    ),
    reason: 'not-increasing',
  },
  { name: 'noise alone', samples: plantedCurve({ law: { a: 0.7, b: 0, c: 1 } }), reason: 'no-trend' },
  {
    name: 'two steps, which no power law has',
    samples: [0.55, 0.56, 0.57, 0.78, 0.79, 0.86].map((level, index) => ({
      n: LADDER[index]!,
      values: [-0.004, -0.002, 0, 0.002, 0.004].map((shift, seed) => ({ seed, value: level + shift })),
    })),
    reason: 'poor-fit',
  },
  {
    name: 'a straight line in log N to the end',
    samples: LADDER.map((n, index) => ({
      n,
      values: [-0.01, 0, 0.01].map((shift, seed) => ({ seed, value: 0.55 + 0.05 * index + shift })),
    })),
    reason: 'plateau-at-limit',
  },
  {
    name: 'a step at once',
    samples: [0.74, 0.8, 0.8, 0.8, 0.8, 0.8].map((level, index) => ({
      n: LADDER[index]!,
      values: [-0.03, -0.01, 0.01, 0.03].map((shift, seed) => ({ seed, value: level + shift })),
    })),
    reason: 'exponent-at-limit',
  },
];

for (const { name, samples, reason } of refusals) {
  test(`refuses to extrapolate from ${name}: ${reason}`, () => {
    const curve = curveOf(samples);
    const beyond = valueAt(curve, 2 * curve.tested.to);
    assert.ok(!beyond.answered);
    assert.equal(beyond.reason, reason, beyond.why);
    assert.ok(beyond.why.length > 30 && !beyond.why.includes('NaN'), beyond.why);
    const inside = valueAt(curve, curve.tested.to);
    assert.ok(inside.answered, 'between the tested sizes it may be read');
  });
}

test('three sizes are no curve', () => {
  const none = fitLearningCurve(plantedCurve({ law, sizes: [50, 200, 800] }));
  assert.ok(!none.fitted);
  assert.equal(none.reason, 'too-few-sizes');
  assert.match(none.why, /needs 4 training set sizes, and there are 3/);
});

test('N needed for a target: within the tested sizes, beyond them, and never', () => {
  const curve = curveOf(plantedCurve({ law, seeds: 10, sd: 0.01 }));
  const needed = (target: number): NeededSize => {
    const size = sizeForTarget(curve, target);
    assert.ok(size.answered, JSON.stringify(size));
    return size;
  };
  // (1.2 / 0.05)² = 576
  const within = needed(0.8);
  assert.ok(
    within.low!.n <= 576 && 576 <= within.high!.n && within.high!.kind === 'at',
    JSON.stringify(within),
  );
  assert.equal(within.limitedBy, undefined);
  assert.deepEqual(needed(0.55).needed, { kind: 'below', n: 50 });
  const unreachable = needed(0.9);
  assert.deepEqual(unreachable.needed, { kind: 'above', n: 6400 });
  assert.ok(unreachable.never! > 0.9, String(unreachable.never));
  assert.match(unreachable.limitedBy!, /beyond 6400, 4 times the largest size/);
});

test('N needed where extrapolation is refused ends at the largest tested size, with the reason', () => {
  const samples = LADDER.map((n, index) => ({
    n,
    values: [-0.01, 0, 0.01].map((shift, seed) => ({ seed, value: 0.55 + 0.05 * index + shift })),
  }));
  const size = sizeForTarget(curveOf(samples), 0.9);
  assert.ok(size.answered);
  assert.equal(sizeBoundText(size.needed), '> 1,600');
  assert.match(size.limitedBy!, /rises to an AUROC of 1/);
  const within = sizeForTarget(curveOf(samples), 0.68);
  assert.ok(within.answered && within.needed.kind === 'at' && within.high!.kind === 'at');
});

test('N to be within 0.02 of the plateau, where the plateau is known', () => {
  const fast: PowerLaw = { a: 0.9, b: 6, c: 0.8 };
  const curve = curveOf(plantedCurve({ law: fast, seeds: 10, sd: 0.01 }));
  const size = sizeWithinPlateau(curve, 0.02);
  assert.ok(size.answered, JSON.stringify(size));
  const truth = (6 / 0.02) ** (1 / 0.8);
  assert.ok(size.low!.n <= truth && truth <= size.high!.n, `${truth} ${JSON.stringify(size)}`);
  const slow = curveOf(plantedCurve({ law: { a: 0.9, b: 0.9, c: 0.2 }, seeds: 3 }));
  const refused = sizeWithinPlateau(slow, 0.02);
  assert.ok(!refused.answered);
  assert.match(refused.reason, /plateau/);
});
