import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Plateau } from '../../src/train/plateau.js';
import { learningRates, momenta } from '../../src/train/schedule.js';
import type { PolicySpec } from '../../src/train/trial.js';

interface Golden {
  readonly rates: readonly number[];
  readonly momenta: readonly number[];
}
const golden = JSON.parse(readFileSync(new URL('golden/schedules.json', import.meta.url), 'utf8')) as Record<
  string,
  Golden
>;

const oneCycle = { kind: 'one-cycle', warmup: 0.3, startDivisor: 25, finalDivisor: 1e4 } as const;
const cyclic = { kind: 'cyclic', mode: 'triangular', rise: 0.5, minimum: 0.1, gamma: 1 } as const;
const momentum = { minimum: 0.85, maximum: 0.95 };
const cases: Record<string, PolicySpec> = {
  'one-cycle-100': { ...oneCycle, momentum },
  'one-cycle-7': { ...oneCycle, warmup: 0.45, startDivisor: 10, finalDivisor: 100, momentum },
  'one-cycle-adam-50': { ...oneCycle, momentum },
  'one-cycle-linear-100': { ...oneCycle, anneal: 'linear', momentum },
  'one-cycle-three-phase-50': { ...oneCycle, threePhase: true, momentum },
  'one-cycle-three-phase-linear-37': {
    ...{ ...oneCycle, warmup: 0.45, startDivisor: 10, finalDivisor: 100, anneal: 'linear', threePhase: true },
    momentum: { minimum: 0.8, maximum: 0.9 },
  },
  'cosine-40': { kind: 'cosine', final: 0.01 },
  'step-20': { kind: 'step', factor: 0.1, at: [0.5, 0.75] },
  'constant-3': { kind: 'constant' },
  'triangular-40': { ...cyclic, cycles: 4, momentum },
  'triangular2-60': { ...cyclic, mode: 'triangular2', cycles: 3, rise: 0.3, momentum },
  'exp-range-adam-50': { ...cyclic, mode: 'exp-range', cycles: 2, rise: 0.4, gamma: 0.97, momentum },
  'warm-restarts-70': { kind: 'warm-restarts', cycles: 3, multiply: 2, minimum: 0.01 },
  'warm-restarts-30': { kind: 'warm-restarts', cycles: 3, multiply: 1, minimum: 0 },
  'warmup-cosine-40': { kind: 'warmup', warmup: 0.1, start: 0.1, after: 'cosine' },
};

function assertClose(actual: ArrayLike<number>, expected: readonly number[], name: string): void {
  assert.equal(actual.length, expected.length);
  for (const [step, value] of expected.entries()) {
    // Tables are float32: 24 bits of mantissa.
    assert.ok(
      Math.abs((actual[step] as number) - value) <= 1.2e-7 * Math.abs(value) + 1e-14,
      `${name} step ${step}`,
    );
  }
}

for (const [name, policy] of Object.entries(cases)) {
  test(`${name} equals PyTorch's scheduler`, () => {
    const { rates, momenta: expectedMomenta } = golden[name] as Golden;
    assertClose(learningRates(policy, 1e-3, rates.length), rates, name);
    const table = momenta(policy, rates.length);
    if (policy.kind === 'one-cycle' || policy.kind === 'cyclic')
      assertClose(table as Float32Array, expectedMomenta, name);
    else assert.equal(table, undefined);
  });
}

test('one-cycle with fixed momentum has no momentum table, and a very short training stays finite', () => {
  const policy: PolicySpec = { ...oneCycle, momentum: 'fixed' };
  assert.equal(momenta(policy, 10), undefined);
  for (const total of [1, 2, 3]) {
    for (const more of [{}, { anneal: 'linear' }, { threePhase: true }, { warmup: 0 }] as const)
      for (const rate of learningRates({ ...policy, ...more }, 1e-3, total))
        assert.ok(rate > 0 && rate <= 1e-3 * (1 + 1e-6));
  }
});

test('a learning rate of zero is refused: frozen is said by the strategy', () => {
  assert.throws(
    () => learningRates({ kind: 'constant' }, 0, 5),
    /expected a learning rate above 0 but received 0/,
  );
});

test("plateau equals PyTorch's ReduceLROnPlateau until it ends", () => {
  const settings = {
    strict: { factor: 0.1, patience: 0, threshold: 0 },
    patient: { factor: 0.5, patience: 2, threshold: 0.01 },
    lenient: { factor: 0.1, patience: 0, threshold: -0.001 },
  };
  const cases = (golden as unknown as { plateau: Record<string, { losses: number[]; factors: number[] }> })
    .plateau;
  for (const [name, own] of Object.entries(settings)) {
    const plateau = new Plateau({ kind: 'plateau', ...own, minimum: 0 });
    const { losses, factors } = cases[name]!;
    for (const [epoch, loss] of losses.entries()) {
      plateau.note(loss);
      assert.ok(Math.abs(plateau.factor / factors[epoch]! - 1) < 1e-9, `${name} ${epoch}`);
    }
  }
  const ending = new Plateau({ kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.001 });
  const seen = [1, 1, 1, 1, 1].map((loss) => {
    ending.note(loss);
    return Number(ending.factor.toPrecision(3));
  });
  assert.deepEqual(seen, [1, 0.1, 0.01, 0.001, 0]);
  // The loss rises by less than the threshold from epoch to epoch, and once by more: only that counts.
  const regular = { kind: 'plateau', factor: 0.1, patience: 0, threshold: -0.001, minimum: 0.001 } as const;
  const slowly = [0.5, 0.5009, 0.5018, 0.504, 0.503, 0.5035, Number.NaN, 0.5036];
  const factorsOf = (policy: Plateau) =>
    slowly.map((loss) => {
      policy.note(loss);
      return Number(policy.factor.toPrecision(3));
    });
  const previous = new Plateau({ ...regular, against: 'previous' });
  assert.deepEqual(factorsOf(previous), [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]);
  assert.deepEqual(factorsOf(new Plateau(regular)), [1, 1, 1, 0.1, 0.01, 0.001, 0, 0]);
  const broken = new Plateau({ kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.1 });
  broken.note(Number.NaN);
  assert.ok(Math.abs(broken.factor - 0.1) < 1e-12);
});
