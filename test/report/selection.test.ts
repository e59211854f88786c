import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Panel, readExperiment } from '../../src/report/experiment.js';
import { findFactors } from '../../src/report/factors.js';
import { chosenConfiguration, chosenForEachSeed } from '../../src/report/selection.js';
import { okRow, policies, spec, sweepRows } from './fixture.js';

const onlyPanel = (rows: Parameters<typeof readExperiment>[0]): Panel => readExperiment(rows).panels[0]!;

test('only what varies is a factor; numbers are in order, the rest as it came', () => {
  const specs = [
    { ...spec, lr: 0.001, source: 'random' },
    { ...spec, lr: 0.0001, source: 'imagenet' },
    { ...spec, lr: 0.01, source: 'random', seed: 3, n: 100 },
  ];
  const { factors, levelsOf } = findFactors(specs);
  assert.deepEqual(factors, [
    { key: 'source', title: 'Source', levels: ['random', 'imagenet'] },
    { key: 'lr', title: 'Learning rate', levels: ['0.0001', '0.001', '0.01'] },
  ]);
  assert.deepEqual(levelsOf, [
    [0, 1],
    [1, 0],
    [0, 2],
  ]);
});

test('a factor that says the same as an earlier one is left out', () => {
  const zip = [
    { ...spec, source: 'imagenet', arch: 'densenet121' },
    { ...spec, source: 'mura', arch: 'resnet50' },
  ];
  assert.deepEqual(
    findFactors(zip).factors.map(({ key }) => key),
    ['source'],
  );
  const crossed = [...zip, { ...spec, source: 'imagenet', arch: 'resnet50' }];
  assert.deepEqual(
    findFactors(crossed).factors.map(({ key }) => key),
    ['source', 'arch'],
  );
});

test('policies of one kind are told apart by the settings in which they differ', () => {
  const specs = [policies.constant, policies.oneCycle, { ...policies.oneCycle, warmup: 0.1 }].map(
    (policy) => ({
      ...spec,
      policy,
    }),
  );
  assert.deepEqual(findFactors(specs).factors[0]?.levels, [
    'constant',
    'one-cycle (warmup 0.3)',
    'one-cycle (warmup 0.1)',
  ]);
});

test('for each seed validation chooses the trial, however good another is on the test set', () => {
  const panel = onlyPanel([
    okRow({ seed: 0, lr: 0.001 }, { validation: 0.7, test: 0.6 }),
    okRow({ seed: 0, lr: 0.01 }, { validation: 0.65, test: 0.9 }),
    okRow({ seed: 1, lr: 0.001 }, { validation: 0.5, test: 0.9 }),
    okRow({ seed: 1, lr: 0.01 }, { validation: 0.55, test: 0.5 }),
    okRow({ seed: 2, lr: 0.001 }, { validation: null, test: 0.9 }),
    okRow({ seed: 2, lr: 0.01 }, { validation: 0.1, test: 0.4 }),
  ]);
  assert.deepEqual(
    chosenForEachSeed(panel.observations).map(({ seed, test: auroc }) => [seed, auroc]),
    [
      [0, 0.6],
      [1, 0.5],
      [2, 0.4],
    ],
  );
});

test('equal trials are decided by log loss, then by identity, never by their order', () => {
  const a = okRow({ lr: 0.001 }, { validation: 0.7, test: 0.6 });
  const b = okRow({ lr: 0.01 }, { validation: 0.7, test: 0.5 });
  const sure = { ...b, result: { ...b.result, validation: { ...b.result.validation, logLoss: 0.3 } } };
  const pick = (rows: readonly (typeof a)[]) => chosenForEachSeed(onlyPanel(rows).observations)[0]?.row.trial;
  assert.equal(pick([a, sure]), sure.trial);
  assert.equal(pick([a, b]), a.trial);
  assert.equal(pick([b, a]), a.trial);
});

test('a configuration is chosen by its mean over seeds, among the complete ones', () => {
  const rows = [
    okRow({ seed: 0, lr: 0.001 }, { validation: 0.7, test: 0.6 }),
    okRow({ seed: 1, lr: 0.001 }, { validation: 0.6, test: 0.62 }),
    okRow({ seed: 0, lr: 0.01 }, { validation: 0.8, test: 0.9 }),
    okRow({ seed: 1, lr: 0.01 }, { validation: 0.4, test: 0.9 }),
    okRow({ seed: 0, lr: 0.1 }, { validation: 0.95, test: 0.95 }),
  ];
  const chosen = chosenConfiguration(onlyPanel(rows).observations);
  assert.deepEqual(
    chosen?.observations.map(({ test: auroc }) => auroc),
    [0.6, 0.62],
  );
  assert.equal(chosen?.candidates, 2);
  assert.equal(chosenConfiguration([]), undefined);
});

test('`all` stands at the number of images or patients that trials found', () => {
  const rows = sweepRows({ tasks: ['no-finding'], sizes: [50, 'all', 100] });
  assert.deepEqual(onlyPanel(rows).sizes, [
    { key: '50', count: 50 },
    { key: '100', count: 100 },
    { key: 'all', count: 700 },
  ]);
  const patients = okRow(
    { n: 'all', subset: { unit: 'patients', stratify: true } },
    { validation: 0.5, test: 0.5 },
  );
  assert.deepEqual(onlyPanel([patients]).sizes, [{ key: 'all', count: 560 }]);
});

test('a panel is a task on a data set, named by both where there are several data sets', () => {
  const one = readExperiment(sweepRows({ tasks: ['a', 'b'] }));
  assert.deepEqual(
    one.panels.map(({ title }) => title),
    ['a', 'b'],
  );
  const two = readExperiment([
    okRow({ task: 'a' }, { validation: 0.5, test: 0.5 }),
    okRow({ task: 'a', dataset: 'chexpert' }, { validation: 0.5, test: 0.5 }),
  ]);
  assert.deepEqual(
    two.panels.map(({ title }) => title),
    ['a · nih', 'a · chexpert'],
  );
});
