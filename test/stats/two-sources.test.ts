import assert from 'node:assert/strict';
import { test } from 'node:test';
import { singleRows } from '../../src/stats/clusters.js';
import { compareAcrossSizes, comparePairs } from '../../src/stats/compare-methods.js';
import { estimateAuroc, type PatientEstimate } from '../../src/stats/influence.js';
import { sortRows } from '../../src/stats/sorted-scores.js';
import { combineSources } from '../../src/stats/two-sources.js';
import { close, golden } from './close.js';

interface Crossed {
  readonly targets: readonly number[];
  /** [modality][seed][rows] */
  readonly scores: readonly (readonly (readonly number[])[])[];
  readonly difference: Readonly<
    Record<'value' | 'standardError' | 'degreesOfFreedom' | 'p' | 'low' | 'high', number>
  >;
  readonly one: Readonly<Record<'value' | 'standardError' | 'degreesOfFreedom' | 'low' | 'high', number>> & {
    readonly parts: Readonly<Record<'trainings' | 'patients' | 'both', number>>;
  };
}

test('crossed trainings and patients equal the textbook formulas of Obuchowski, Rockette and Hillis', () => {
  for (const { targets, scores, difference, one } of golden('tests').crossed as Crossed[]) {
    const [first, second] = scores.map((modality) =>
      modality.map((seed) => estimateAuroc(sortRows(seed, targets), singleRows(targets.length))!),
    );
    const alone = combineSources(first!)!;
    assert.equal(alone.sources, 'trainings and patients');
    close(alone.degreesOfFreedom, one.degreesOfFreedom, 'degrees');
    for (const field of ['value', 'standardError', 'low', 'high'] as const)
      close(alone.combined[field], one[field], field);
    for (const part of ['trainings', 'patients', 'both'] as const)
      close(alone.parts?.[part], one.parts[part], part);
    const compared = comparePairs(first!.map((auroc, seed) => ({ first: auroc, second: second![seed]! })))!;
    close(compared.sources.degreesOfFreedom, difference.degreesOfFreedom, 'degrees of the difference', 1e-9);
    close(compared.p, difference.p, 'p');
    for (const field of ['value', 'standardError', 'low', 'high'] as const)
      close(compared.effect[field], difference[field], field);
  }
});

/** A value whose patients are known not to matter. */
const fixed = (value: number): PatientEstimate => ({ value, contributions: new Float64Array(3) });

test('across N and seeds: the mean difference equals the mixed model of statsmodels', () => {
  for (const { sizes, differences, value, standardError } of golden('tests').across) {
    const pairs = (differences as number[][]).flatMap((row, seed) =>
      row.map((difference, index) => ({
        size: sizes[index] as number,
        seed,
        first: fixed(0.7 + difference),
        second: fixed(0.7),
      })),
    );
    const found = compareAcrossSizes(pairs);
    close(found.overall?.effect.value, value, 'mean', 1e-6);
    close(found.overall?.effect.standardError, standardError, 'standard error', 1e-6);
    assert.equal(found.overall?.sources.degreesOfFreedom, differences.length - 1);
    assert.equal(found.bySize.length, sizes.length);
  }
});

test('across N: slope on doublings, seeds that miss an N are named, a pair twice is refused', () => {
  const pair = (size: number, seed: number, difference: number) => ({
    size,
    seed,
    first: fixed(difference),
    second: fixed(0),
  });
  const found = compareAcrossSizes([
    pair(50, 1, 0.1),
    pair(100, 1, 0.2),
    pair(200, 1, 0.3),
    pair(50, 2, 0.2),
    pair(100, 2, 0.4),
    pair(200, 2, 0.6),
    pair(100, 3, 9),
  ]);
  close(found.perDoubling?.effect.value, 0.15, 'slope');
  close(found.overall?.effect.value, 0.3, 'mean');
  assert.deepEqual(found.completeSeeds, [1, 2]);
  assert.deepEqual(found.incompleteSeeds, [3]);
  assert.equal(found.bySize[1]?.comparison?.n, 3);
  assert.throws(() => compareAcrossSizes([pair(50, 1, 0), pair(50, 1, 0)]), /N = 50, seed 1, received two/);
});

test('what cannot be told is left out and named: one training, patients without variance', () => {
  const known: PatientEstimate = { value: 0.8, contributions: Float64Array.of(0.03, -0.03, 0.04, -0.04) };
  const one = combineSources([known])!;
  assert.equal(one.sources, 'patients');
  close(one.combined.standardError, Math.sqrt(0.005), 'patients');
  assert.equal(one.overTrainings, null);
  const unknown = (value: number): PatientEstimate => ({ value, contributions: null });
  const two = combineSources([unknown(0.7), unknown(0.8)])!;
  assert.equal(two.sources, 'trainings');
  close(two.combined.standardError, 0.05, 'trainings');
  assert.equal(combineSources([unknown(0.7)]), null);
  assert.equal(combineSources([]), null);
  assert.equal(comparePairs([{ first: unknown(1), second: unknown(0) }]), null);
});

test('equal trainings leave the patients alone, independent patients leave the trainings', () => {
  const same: PatientEstimate = { value: 0.8, contributions: Float64Array.of(0.03, -0.03, 0.04, -0.04) };
  const equal = combineSources([same, same, same])!;
  close(equal.combined.standardError, Math.sqrt(0.005), 'shared by all');
  assert.ok(equal.degreesOfFreedom > 1e9);
  const apart = [0, 1, 2].map((seed) => ({
    value: 0.7 + 0.1 * seed,
    contributions: Float64Array.from({ length: 3 }, (_, patient) => (patient === seed ? 0.05 : 0)),
  }));
  const found = combineSources(apart)!;
  close(found.combined.standardError, 0.1 / Math.sqrt(3), 'trainings');
  close(found.parts?.both, 0.0025, 'both');
  close(found.parts?.trainings, 0.01 - 0.0025, 'trainings part');
});
