import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { chooseThresholds, evaluateSet, type ScoredSet } from '../../src/stats/evaluate.js';
import { classLogOdds } from '../../src/stats/probability.js';
import { sortFloats } from '../../src/stats/radix-sort.js';
import { rankScores } from '../../src/stats/ranking.js';
import { auroc, averagePrecision, rocPoints } from '../../src/stats/roc.js';
import { decideAt, youdenThreshold } from '../../src/stats/threshold.js';

function scored(outputs: string, logits: readonly number[], targets: readonly number[]): ScoredSet {
  return {
    kind: 'multilabel',
    outputNames: outputs.split(' '),
    logits: Float32Array.from(logits),
    targets: Float32Array.from(targets),
  };
}

function thrown(action: () => unknown): ThawError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ThawError);
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a ThawError' });
}

test('AUROC is the part of pairs in the right order, ties half', () => {
  assert.equal(auroc(rankScores([3, 2, 1, 0], [1, 1, 0, 0])), 1);
  assert.equal(auroc(rankScores([0, 1, 2, 3], [1, 1, 0, 0])), 0);
  assert.equal(auroc(rankScores([5, 5, 5, 5], [1, 0, 1, 0])), 0.5);
  // Pairs (2,1) right, (2,2) tied, (0,1) and (0,2) wrong.
  assert.equal(auroc(rankScores([2, 0, 1, 2], [1, 1, 0, 0])), 1.5 / 4);
  assert.equal(auroc(rankScores([-0, 0], [1, 0])), 0.5, 'minus zero equals zero');
  assert.equal(auroc(rankScores([2, 9, 1], [1, Number.NaN, 0])), 1, 'unknown is left out');
});

test('what one class alone cannot define is null', () => {
  const onlyPositives = rankScores([1, 2], [1, 1]);
  const onlyNegatives = rankScores([1, 2], [0, 0]);
  for (const ranked of [onlyPositives, onlyNegatives, rankScores([], [])]) {
    assert.equal(auroc(ranked), null);
    assert.equal(rocPoints(ranked), null);
    assert.equal(youdenThreshold(ranked), null);
  }
  assert.equal(averagePrecision(onlyPositives), 1);
  assert.equal(averagePrecision(onlyNegatives), null);
});

test('average precision of a worked example', () => {
  // Ranks of the positives 1, 3 and 4 of 5: (1/1 + 2/3 + 3/4) / 3.
  const ranked = rankScores([5, 4, 3, 2, 1], [1, 0, 1, 1, 0]);
  assert.ok(Math.abs((averagePrecision(ranked) as number) - (1 + 2 / 3 + 3 / 4) / 3) < 1e-15);
});

test('of equal J the highest threshold is chosen', () => {
  // J = 1/2 at 0.9 (one of two positives, no negative) and again at 0.4 (both, one of two negatives).
  assert.equal(youdenThreshold(rankScores([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0])), 0.9);
  assert.equal(
    youdenThreshold(rankScores([0.3, 0.3], [1, 0])),
    0.3,
    'constant scores: all are called positive',
  );
});

test('a score equal to the threshold is positive', () => {
  const ranked = rankScores([0.8, 0.5, 0.5, 0.1], [1, 1, 0, 0]);
  assert.deepEqual(decideAt(ranked, 0.5), { accuracy: 0.75, sensitivity: 1, specificity: 0.5 });
  assert.deepEqual(decideAt(ranked, 2), { accuracy: 0.5, sensitivity: 0, specificity: 1 });
  assert.deepEqual(decideAt(ranked, null), { accuracy: null, sensitivity: null, specificity: null });
});

test('thresholds come from one set and are applied to the other', () => {
  const validation = scored('a', [2, 1, -1, -2], [1, 1, 0, 0]);
  const [threshold] = chooseThresholds(validation);
  assert.ok(Math.abs((threshold as number) - 1 / (1 + Math.exp(-1))) < 1e-15);
  const metrics = evaluateSet({
    ...scored('a', [1.5, 0.5, 1.2, -3], [1, 1, 0, 0]),
    thresholds: [threshold ?? null],
  });
  assert.deepEqual([metrics.accuracy, metrics.sensitivity, metrics.specificity], [0.5, 0.5, 0.5]);
  assert.equal(evaluateSet(validation).accuracy, null, 'without thresholds nothing is decided');
  assert.equal(evaluateSet(validation).auroc, 1);
});

test('macro means leave out labels that are undefined', () => {
  const metrics = evaluateSet(scored('a b', [1, 0, -1, 5, 2, 1], [1, 1, 0, 1, 0, 1]));
  assert.equal(metrics.labels[1]?.auroc, null);
  assert.equal(metrics.auroc, metrics.labels[0]?.auroc);
  assert.equal(metrics.auroc, 0.5);
});

test('log-odds of classes stay finite and exact where the softmax rounds to 1', () => {
  const [first, second] = classLogOdds([900, 100, 99, 0, 0, 0], 3);
  assert.ok(Math.abs((first?.[0] as number) - (800 - Math.log1p(Math.exp(-1)))) < 1e-12);
  assert.ok(Math.abs((second?.[0] as number) + 800) < 1e-12);
  assert.ok(Math.abs((second?.[1] as number) + Math.log(2)) < 1e-15);
});

test('a logit that is not finite is an error that names output and row', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const set = scored('a b', [0, 0, 0, wrong, 0, 0], [1, 0, 0, Number.NaN, 1, 0]);
    for (const action of [() => evaluateSet(set), () => chooseThresholds(set)]) {
      const error = thrown(action);
      assert.equal(error.code, 'NON_FINITE');
      assert.deepEqual(error.place, { row: 2, node: 'b' });
      assert.match(error.message, new RegExp(`received ${wrong}`));
    }
    assert.equal(thrown(() => evaluateSet({ ...set, kind: 'multiclass' })).code, 'NON_FINITE');
  }
});

test('shapes and targets that do not fit are refused', () => {
  const set = scored('a b', [0, 0, 0, 0], [1, 0, 0, 1]);
  const message = (changed: Partial<ScoredSet> & { thresholds?: number[] }) =>
    thrown(() => evaluateSet({ ...set, ...changed })).message;
  assert.match(message({ logits: new Float32Array(6) }), /\[rows × 2\], received 6 and 4/);
  assert.match(message({ outputNames: ['a', 'b', 'c'] }), /\[rows × 3\]/);
  assert.match(message({ thresholds: [0.5] }), /expected 2 thresholds, one an output, received 1/);
  assert.match(
    message({ targets: Float32Array.of(1, 0, 2, 1) }),
    /expected a target of 0, 1 or NaN .* received 2/,
  );
  assert.match(
    message({ kind: 'multiclass', targets: Float32Array.of(1, 1, 0, 1) }),
    /exactly one class, received 2/,
  );
  assert.match(
    message({ kind: 'multiclass', targets: Float32Array.of(1, 0, 0, 0) }),
    /exactly one class, received 0/,
  );
  assert.match(message({ kind: 'multiclass', outputNames: ['a'] }), /at least two classes, received 1/);
  assert.throws(() => rankScores([1, 2], [1]), /expected 1 scores/);
});

test('radix sort gives the order of the library sort', () => {
  const random = new RandomStream(7, STREAM.bootstrap);
  const special = [
    0, -0, 1e-45, -1e-45, 3.4028234663852886e38, -3.4028234663852886e38, 1, -1, 1.1754943508222875e-38,
  ];
  for (const length of [0, 1, 2, 1023, 1024, 5000]) {
    const values = Float32Array.from({ length }, (_, i) =>
      i % 3 === 0
        ? (special[i % special.length] as number)
        : random.normal() * 10 ** (random.integer(60) - 30),
    );
    const sorted = sortFloats(values);
    const expected = Float64Array.from(values).sort();
    assert.ok(
      sorted.every((value, i) => Object.is(value, expected[i])),
      `${length} values`,
    );
  }
});

test('AUROC of many float32 scores equals the count of pairs', () => {
  const random = new RandomStream(3, STREAM.bootstrap);
  const scores = Float32Array.from({ length: 3000 }, () => Math.round(random.normal() * 20) / 16);
  const targets = Float32Array.from(scores, (score) =>
    random.uniform() < 1 / (1 + Math.exp(-score)) ? 1 : 0,
  );
  let wins = 0;
  let pairs = 0;
  for (let i = 0; i < scores.length; i++) {
    if (targets[i] !== 1) continue;
    for (let j = 0; j < scores.length; j++) {
      if (targets[j] !== 0) continue;
      pairs++;
      wins += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    }
  }
  assert.equal(auroc(rankScores(scores, targets)), wins / pairs);
});
