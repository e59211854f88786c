import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTask, isBalanced, taskFingerprint } from '../../src/data/task.js';
import { datasetOf } from './fixture.js';

const unknown = Number.NaN;
const findings = datasetOf(
  ['Mass', 'Nodule', 'Edema'],
  [
    { patient: 'a', labels: [1, 0, 0] },
    { patient: 'b', labels: [0, 0, 0] },
    { patient: 'c', labels: [0, 1, unknown] },
    { patient: 'd', labels: [unknown, 0, 0] },
    { patient: 'e', labels: [unknown, unknown, unknown] },
    { patient: 'f', labels: [1, 1, 0] },
  ],
);
const grades = datasetOf(
  ['low', 'middle', 'high'],
  [
    { patient: 'a', labels: [1, 0, 0] },
    { patient: 'b', labels: [0, 1, 0] },
    { patient: 'c', labels: [0, 0, 1] },
    { patient: 'd', labels: [0, 0, 1] },
  ],
  true,
);

test('multilabel: unknown labels stay unknown, rows without any known one are out', () => {
  const task = buildTask(findings, 'all', { kind: 'multilabel' });
  assert.deepEqual([...task.rows], [0, 1, 2, 3, 5]);
  assert.deepEqual(task.outputNames, ['Mass', 'Nodule', 'Edema']);
  assert.deepEqual([...task.targets], [...findings.labels]);
  assert.equal(task.loss, 'bce');
  const some = buildTask(findings, 'some', { kind: 'multilabel', labels: ['nodule', 'MASS'] });
  assert.deepEqual(some.outputNames, ['Nodule', 'Mass']);
  assert.deepEqual([...some.targets], [0, 1, 0, 0, 1, 0, 0, unknown, unknown, unknown, 1, 1]);
});

const binaryCases: [
  title: string,
  positive: string | string[],
  negatives: string | undefined,
  targets: number[],
][] = [
  ['the rest', 'Mass', undefined, [1, 0, 0, unknown, unknown, 1]],
  ['any of two labels', ['Mass', 'Nodule'], 'rest', [1, 0, 1, unknown, unknown, 1]],
  ['none of the labels', 'Mass', 'none-of-labels', [1, 0, unknown, unknown, unknown, 1]],
  ['No Finding as negatives', 'mass', 'No Finding', [1, 0, unknown, unknown, unknown, 1]],
  ['another label, both are positive', 'Mass', 'nodule', [1, unknown, 0, unknown, unknown, 1]],
  ['No Finding as positives', 'no finding', 'rest', [0, 1, 0, unknown, unknown, 0]],
  ['No Finding against one label', 'No Finding', 'Nodule', [unknown, 1, 0, unknown, unknown, 0]],
];
for (const [title, positive, negatives, targets] of binaryCases) {
  test(`binary: ${title}`, () => {
    const task = buildTask(findings, 'two', { kind: 'binary', positive, negatives });
    assert.deepEqual([...task.targets], targets);
    assert.deepEqual(
      [...task.rows],
      [...targets.keys()].filter((row) => !Number.isNaN(targets[row])),
    );
    assert.equal(task.outputNames.length, 1);
  });
}

test('binary on classes, and a label that is itself called No Finding', () => {
  const task = buildTask(grades, 'severe', { kind: 'binary', positive: 'high', negatives: 'low' });
  assert.deepEqual([...task.targets], [0, unknown, 1, 1]);
  const own = datasetOf(
    ['No Finding', 'Mass'],
    [
      { patient: 'a', labels: [1, 0] },
      { patient: 'b', labels: [0, 0] },
    ],
  );
  assert.deepEqual([...buildTask(own, 'x', { kind: 'binary', positive: 'No Finding' }).targets], [1, 0]);
});

test('multiclass is one-hot; several or unknown classes are out', () => {
  const task = buildTask(grades, 'grade', { kind: 'multiclass' });
  assert.deepEqual([...task.targets], [...grades.labels]);
  assert.equal(task.loss, 'softmax');
  const two = buildTask(grades, 'two', { kind: 'multiclass', classes: ['High', 'low'] });
  assert.deepEqual([...two.targets], [0, 1, unknown, unknown, 1, 0, 1, 0]);
  assert.deepEqual([...two.rows], [0, 2, 3]);
  const mixed = buildTask(findings, 'f', { kind: 'multiclass', classes: ['No Finding', 'Mass', 'Nodule'] });
  assert.deepEqual([...mixed.rows], [0, 1, 2]);
  assert.deepEqual([...mixed.targets.subarray(0, 9)], [0, 1, 0, 1, 0, 0, 0, 0, 1]);
});

test('wrong names, repeated names and tasks without contrast are refused', () => {
  const refuse = (rule: Parameters<typeof buildTask>[2], expected: RegExp, dataset = findings) =>
    assert.throws(() => buildTask(dataset, 'mine', rule), expected);
  refuse(
    { kind: 'binary', positive: 'Nodul' },
    /mine: data set 'made' has no label 'Nodul'\. Did you mean 'Nodule'\?/,
  );
  refuse({ kind: 'multilabel', labels: ['Hernia'] }, /Known: Mass, Nodule, Edema, No Finding\./);
  refuse({ kind: 'binary', positive: 'Mass', negatives: 'none-of-label' }, /Did you mean 'none-of-labels'/);
  refuse({ kind: 'binary', positive: 'No Finding' }, /no label 'No Finding'/, grades);
  refuse({ kind: 'multilabel', labels: ['Mass', 'mass'] }, /'Mass' is named twice/);
  refuse({ kind: 'multilabel', labels: [] }, /at least 1 labels/);
  refuse({ kind: 'multiclass', classes: ['low'] }, /at least 2 labels/, grades);
  refuse({ kind: 'binary', positive: 'Edema' }, /Edema 0\/4/);
  const empty = datasetOf(
    ['x', 'y', 'z'],
    [
      { patient: 'a', labels: [1, 0, 0] },
      { patient: 'b', labels: [0, 1, 0] },
    ],
    true,
  );
  refuse({ kind: 'multiclass' }, /no image of class z/, empty);
});

test('the fingerprint follows targets and prevalence, not the name', () => {
  const rule = { kind: 'binary', positive: 'Mass' } as const;
  const task = buildTask(findings, 'a', rule);
  assert.equal(
    taskFingerprint(task),
    taskFingerprint(buildTask(findings, 'b', { ...rule, negatives: 'rest' })),
  );
  assert.notEqual(
    taskFingerprint(task),
    taskFingerprint(buildTask(findings, 'a', { ...rule, negatives: 'Nodule' })),
  );
  const balanced = buildTask(findings, 'a', { ...rule, prevalence: 'balanced' });
  assert.notEqual(taskFingerprint(task), taskFingerprint(balanced));
  assert.deepEqual([isBalanced(task), isBalanced(balanced)], [false, true]);
});
