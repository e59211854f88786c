import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { type CandidateNoise, candidateNoise } from '../../src/stats/candidate-noise.js';
import { cholesky, logDeterminant, solveCholesky } from '../../src/stats/cholesky.js';
import { type Candidate, type RankedCandidate, rankCandidates } from '../../src/stats/recommend.js';

interface Study {
  readonly truth: readonly number[];
  readonly candidates: readonly Candidate[];
}

/** Candidates with a true AUROC around 0.75, seeds that help or hurt all alike and each alone, and test patients. */
function simulate(options: {
  readonly study: number;
  readonly size: number;
  readonly seeds: number;
  readonly spread: number;
  readonly patients?: number;
}): Study {
  const { study, size, seeds, spread, patients = 0 } = options;
  const random = new RandomStream(study, STREAM.phantom, size * 100 + seeds);
  const truth = Array.from({ length: size }, () => 0.75 + spread * random.normal());
  const common = Array.from({ length: seeds }, () => 0.02 * random.normal());
  // Patients shift all by sd 0.02 and each by sd 0.005; the contributions say so without knowing how.
  const scale = 1 / Math.sqrt(Math.max(1, patients));
  const shared = Float64Array.from({ length: patients }, () => 0.02 * scale * random.normal());
  const drawn = shared.map(() => random.normal());
  const candidates = truth.map((value): Candidate => {
    const contributions =
      patients === 0 ? null : shared.map((part) => part + 0.005 * scale * random.normal());
    const shift = contributions?.reduce((sum, part, patient) => sum + part * drawn[patient]!, 0) ?? 0;
    return { values: common.map((seed) => value + seed + shift + 0.015 * random.normal()), contributions };
  });
  return { truth, candidates };
}

function ranked(candidates: readonly Candidate[], seed = 0, draws = 300): readonly RankedCandidate[] {
  const ranking = rankCandidates(candidates, { seed, draws });
  assert.ok(ranking.ranked);
  return ranking.candidates;
}

function highest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}

test('Cholesky factor, solution and determinant of a matrix worked out by hand', () => {
  // [[4, 2], [2, 5]] = L Lᵀ with L = [[2, 0], [1, 2]]; determinant 16; [[4, 2], [2, 5]] · [1, 2] = [8, 12]
  const factor = cholesky(Float64Array.of(4, 2, 2, 5), 2)!;
  assert.deepEqual([...factor], [2, 0, 1, 2]);
  assert.deepEqual([...solveCholesky(factor, [8, 12])], [1, 2]);
  assert.ok(Math.abs(logDeterminant(factor, 2) - Math.log(16)) < 1e-12);
  assert.equal(cholesky(Float64Array.of(1, 2, 2, 1), 2), undefined);
});

test('noise of means: variances are found, and what a seed does to all is no noise of differences', () => {
  const { candidates } = simulate({ study: 1, size: 30, seeds: 40, spread: 0.01 });
  const { single, other, degrees } = candidateNoise(candidates) as CandidateNoise;
  const diagonal = candidates.map((_, i) => single[i * 30 + i]!);
  const average = diagonal.reduce((sum, value) => sum + value, 0) / 30;
  assert.ok(Math.abs(average / (0.015 ** 2 / 40) - 1) < 0.1, String(average));
  assert.equal(degrees, 29 * 39);
  // The common part, 0.02² / 40 widened by (2.0227 / 1.96)², is the same in every place but the diagonal.
  const [common, elsewhere] = [other[1]!, other[30 * 7 + 3]!];
  assert.equal(common, elsewhere);
  assert.ok(Math.abs(common / (0.02 ** 2 / 40) - 1) < 0.6, String(common));
});

test('one seed and no patients: no ranking, and the reason', () => {
  const ranking = rankCandidates([
    { values: [0.8], contributions: null },
    { values: [0.7], contributions: null },
  ]);
  assert.ok(!ranking.ranked);
  assert.equal(ranking.reason, 'noise-unknown');
  const patients = (values: number[]) => Float64Array.from(values);
  const withPatients = rankCandidates([
    { values: [0.8], contributions: patients([0.01, -0.01]) },
    { values: [0.7], contributions: patients([0.01, -0.012]) },
  ]);
  assert.ok(withPatients.ranked && withPatients.candidates[0]!.best > 0.95);
});

test('a clear winner is one, equals share the chance, and a lone candidate is the best', () => {
  const values = (level: number) => [-0.01, 0, 0.01, 0.005, -0.005].map((shift) => level + shift);
  const clear = ranked([
    { values: values(0.85), contributions: null },
    { values: values(0.7).toReversed(), contributions: null },
    { values: values(0.71), contributions: null },
  ]);
  assert.ok(clear[0]!.best > 0.99 && clear[0]!.near > 0.99 && clear[1]!.near < 0.01);
  const equal = ranked([
    { values: values(0.8), contributions: null },
    { values: values(0.8).toReversed(), contributions: null },
  ]);
  assert.ok(Math.abs(equal[0]!.best - 0.5) < 0.1, String(equal[0]!.best));
  const [alone] = ranked([{ values: values(0.8), contributions: null }]);
  assert.equal(alone!.best.toFixed(6), '1.000000');
  assert.ok(alone!.low < 0.8 && 0.8 < alone!.high);
});

test('stated probabilities are frequencies, and the expected value of the chosen one is no winner’s (simulation)', () => {
  const designs = [
    { size: 2, seeds: 5, spread: 0.01 },
    { size: 6, seeds: 3, spread: 0.01 },
    { size: 6, seeds: 5, spread: 0.02, patients: 60 },
    { size: 8, seeds: 10, spread: 0.005 },
  ];
  const bins = Array.from({ length: 5 }, () => ({ asked: 0, stated: 0, hits: 0 }));
  const chosen = { asked: 0, stated: 0, hits: 0, inside: 0, naive: 0, expected: 0 };
  for (const design of designs) {
    for (let study = 0; study < 120; study++) {
      const { truth, candidates } = simulate({ ...design, study });
      const ranks = ranked(candidates, study);
      const winner = highest(truth);
      for (const [index, { best }] of ranks.entries()) {
        const bin = bins[Math.min(4, Math.floor(best * 5))]!;
        bin.asked++;
        bin.stated += best;
        bin.hits += index === winner ? 1 : 0;
      }
      const top = highest(ranks.map(({ best }) => best));
      const { best, observed, expected, low, high } = ranks[top]!;
      chosen.asked++;
      chosen.stated += best;
      chosen.hits += top === winner ? 1 : 0;
      chosen.inside += low <= truth[top]! && truth[top]! <= high ? 1 : 0;
      chosen.naive += observed - truth[top]!;
      chosen.expected += expected - truth[top]!;
    }
  }
  for (const { asked, stated, hits } of bins) {
    const [claimed, found] = [stated / asked, hits / asked];
    const error = Math.sqrt((claimed * (1 - claimed)) / asked);
    assert.ok(Math.abs(claimed - found) < 0.06 + 2 * error, `${claimed} stated, ${found} found (${asked})`);
  }
  const { asked } = chosen;
  // It may be a little too cautious, never too sure.
  const surplus = (chosen.stated - chosen.hits) / asked;
  assert.ok(surplus < 0.02 && surplus > -0.1, JSON.stringify(chosen));
  assert.ok(chosen.inside / asked > 0.92, JSON.stringify(chosen));
  assert.ok(chosen.naive / asked > 0.003, 'the observed mean of the chosen one is too good');
  assert.ok(Math.abs(chosen.expected / asked) < 0.003, JSON.stringify(chosen));
});

test('the same input gives the same numbers', () => {
  const { candidates } = simulate({ study: 3, size: 5, seeds: 4, spread: 0.01 });
  assert.deepEqual(ranked(candidates), ranked(candidates));
});
