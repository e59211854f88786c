import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configText, inRest, mistakes } from './configs.js';

describe('mistakes in a config', () => {
  it('are reported with file, line and column, all at once, in the order of the file', () => {
    assert.deepEqual(
      inRest(
        'training:\n  epochs: many\n  epoch: 3\n  dropout: 1\ngrid:\n  lr: [0.1, -1]\n  task: [findings, pneumona]',
      ),
      [
        "sweep.yaml:8:11: training.epochs: expected a whole number of at least 1, received 'many'.",
        "sweep.yaml:9:3: training.epoch: expected one of cut, featureDtype, policy, lr, dropout, weightDecay, optimizer, labelWeights, labelSmoothing, ema, featureScaling, epochs, batch, subset, validation, select, earlyStopping, testViews, batchNorm, precision, clipNorm, augment, discriminative, atUnfreeze, denseDropout, regression, received 'epoch'. Did you mean 'epochs'?",
        'sweep.yaml:10:12: training.dropout: expected a number from 0 to below 1, received 1.',
        'sweep.yaml:12:13: grid.lr[1]: expected a number above 0 or `auto`, received -1.',
        "sweep.yaml:13:20: grid.task[1]: expected a name from `tasks` (findings, pneumonia), received 'pneumona'. Did you mean 'pneumonia'?",
      ],
    );
  });

  it('in names of registered models say what to do', () => {
    const registered = new Map([
      ['limb-resnet', '/models/limb-resnet.json'],
      ['densenet169-imagenet', '/models/densenet169-imagenet.json'],
    ]);
    const one = (name: string) => {
      const text = configText('').replace('card: card.json', `model: ${name}`);
      return mistakes(text, { registered });
    };
    const place =
      'sweep.yaml:6:22: sources.imagenet.model: expected the name of a registered model, received';
    assert.deepEqual(one('limb-resent'), [`${place} 'limb-resent'. Did you mean 'limb-resnet'?`]);
    assert.deepEqual(one('densenet121-imagenet'), [
      `${place} 'densenet121-imagenet'. It is published: \`thaw models pull densenet121-imagenet\`.`,
    ]);
    assert.deepEqual(one('timm-resnet50a1'), [
      `${place} 'timm-resnet50a1'. Did you mean 'timm-resnet50-a1', which \`thaw models pull timm-resnet50-a1\` fetches?`,
    ]);
    assert.deepEqual(one('something-else'), [
      `${place} 'something-else'. Registered: limb-resnet, densenet169-imagenet; \`thaw models list\` shows those that can be pulled.`,
    ]);
    assert.deepEqual(one('{ a: 1 }'), [
      'sweep.yaml:6:22: sources.imagenet.model: expected text, received a mapping.',
    ]);
  });

  it('in YAML itself are reported too', () => {
    const [first] = mistakes('data:\n  a: [1, 2\ntasks: {}\n');
    assert.match(first!, /^sweep\.yaml:\d+:\d+: /);
    assert.match(mistakes('name: a\nname: b\n')[0]!, /^sweep\.yaml:2:1: Map keys must be unique\.$/);
    assert.match(mistakes('name: !odd a\n')[0]!, /^sweep\.yaml:1:7: Unresolved tag: !odd/);
  });

  it('name missing keys at the mapping that lacks them', () => {
    const text = configText('').replace('root: images', 'allowMissing: true');
    assert.deepEqual(mistakes(text), ['sweep.yaml:2:3: data.nih.root: expected text, received nothing.']);
    assert.deepEqual(
      mistakes('').map((line) => line.replace(/expected.*, received/, '…, received')),
      ['data', 'tasks', 'sources'].map((key) => `sweep.yaml:1:1: ${key}: …, received nothing.`),
    );
    assert.match(
      mistakes('[]')[0]!,
      /^sweep.yaml:1:1: expected a mapping with the keys name, out, .*, received an empty list/,
    );
  });

  it('in kinds name the known ones', () => {
    assert.deepEqual(inRest('training: { policy: onecycle }'), [
      "sweep.yaml:7:21: training.policy: expected one of constant, cosine, one-cycle, step, plateau, warmup, cyclic, warm-restarts, received 'onecycle'. Did you mean 'one-cycle'?",
    ]);
    assert.deepEqual(inRest('grid: { optimizer: [adam, { momentum: 0.9 }] }'), [
      'sweep.yaml:7:27: grid.optimizer[1].kind: expected one of adam, adamw, sgd, received nothing.',
    ]);
    const [kind] = mistakes(configText('').replace('chestxray14', 'chestxray'));
    assert.match(
      kind!,
      /^sweep\.yaml:2:16: data\.nih\.kind: expected one of chestxray14, .*, csv, folder, .*, received 'chestxray'\. Did you mean 'chestxray14'\?$/,
    );
  });

  it('deep in data and sources have their place', () => {
    const one = (from: string, to: string, blamed: string, message: string) => {
      const text = configText('').replace(from, to);
      const before = text.slice(0, text.indexOf(blamed, text.indexOf(to))).split('\n');
      assert.deepEqual(mistakes(text), [
        `sweep.yaml:${before.length}:${before.at(-1)!.length + 1}: ${message}`,
      ]);
    };
    const table = (columns: string) => `kind: csv, root: own, table: t.csv, columns: ${columns}`;
    one(
      'kind: folder, root: own',
      table('{ image: a, labels: { column: b } }'),
      'labels',
      'data.own.columns.labels.separator: expected text, received nothing.',
    );
    one(
      'kind: folder, root: own',
      table('{ image: a, labels: bb }'),
      'bb',
      "data.own.columns.labels: expected a list of columns, {column, separator} or {class}, received 'bb'.",
    );
    one(
      'kind: folder, root: own',
      table('{ image: a, labels: [b, 37] }'),
      '37',
      'data.own.columns.labels[1]: expected text, received 37.',
    );
    one(
      'root: own',
      'root: own, split: { kind: random, fractions: [0.7, 0.2, 0.2] }',
      '[0.7',
      'data.own.split.fractions: expected three parts that sum to 1, received [0.7, 0.2, 0.2].',
    );
    one(
      '{ card: card.json }',
      '{ pretraining: a, architecture: b, input: { size: 64, channels: 3, scale: 1, mean: [1, 1], std: [1, 1, 7] } }',
      '[1, 1]',
      'sources.imagenet.input.mean: expected 3 values, one per channel, received 2.',
    );
    one(
      '{ card: card.json }',
      '{ pretraining: a, architecture: b, input: { size: 64, channels: 1, scale: 1, mean: [1], std: [0.0] } }',
      '0.0',
      'sources.imagenet.input.std[0]: expected a number above 0, received 0.',
    );
  });

  it('in names are refused where they stand', () => {
    const text = configText('').replace('  own:', '  my own:');
    assert.deepEqual(mistakes(text), [
      "sweep.yaml:3:3: data.my own: expected a name of letters, digits, - and _, received 'my own'.",
    ]);
  });

  it('in grid and zip: an axis twice, lists of unequal length, values twice', () => {
    assert.deepEqual(
      inRest('grid: { lr: [0.1] }\nzip:\n  - { lr: [1, 2], batch: [8, 16, 32] }\n  - { batch: [1, 2] }'),
      [
        'sweep.yaml:9:7: zip[0].lr: expected each axis once, but lr is in `grid` already.',
        'sweep.yaml:9:26: zip[0].batch: expected 2 values, as many as lr has, received 3.',
        'sweep.yaml:10:7: zip[1].batch: expected each axis once, but batch is in `zip` already.',
      ],
    );
    assert.deepEqual(inRest('grid: { lr: [0.1, 1e-1], policy: [step, { kind: step }], seed: [1, 2, 1] }'), [
      'sweep.yaml:7:19: grid.lr[1]: expected each value once, received 0.1 again.',
      'sweep.yaml:7:41: grid.policy[1]: expected each value once, received a mapping again.',
      'sweep.yaml:7:71: grid.seed[2]: expected each value once, received 1 again.',
    ]);
    assert.deepEqual(inRest('zip: [{ lr: 0.1 }]'), [
      'sweep.yaml:7:13: zip[0].lr: expected a list of values, received 0.1.',
    ]);
  });

  it('in exclude and in the data sets of tasks', () => {
    assert.deepEqual(inRest('exclude:\n  - { policy: onecycle }\n  - { dataset: nhi }\n  - {}'), [
      "sweep.yaml:8:15: exclude[0].policy: expected one of constant, cosine, one-cycle, step, plateau, warmup, cyclic, warm-restarts, received 'onecycle'. Did you mean 'one-cycle'?",
      "sweep.yaml:9:16: exclude[1].dataset: expected a name from `data` (nih, own), received 'nhi'. Did you mean 'nih'?",
      'sweep.yaml:10:5: exclude[2]: expected at least one condition, received none: it would leave out every trial.',
    ]);
    assert.deepEqual(mistakes(configText('', { tasks: '{ t: { kind: multilabel, datasets: [owm] } }' })), [
      "sweep.yaml:4:44: tasks.t.datasets[0]: expected a name from `data` (nih, own), received 'owm'. Did you mean 'own'?",
    ]);
  });

  it('that leave no trial are found', () => {
    assert.deepEqual(inRest('exclude: [{ task: [findings, pneumonia] }]'), [
      'sweep.yaml:1:1: grid: expected at least one trial, but `exclude` and the tasks leave none.',
    ]);
  });

  it('in numbers of seeds', () => {
    for (const bad of ['0', '-1', '2.5', 'few']) {
      assert.match(
        inRest(`grid: { seed: ${bad} }`)[0]!,
        /^sweep.yaml:7:15: grid.seed: expected a number of seeds or a list of seeds/,
      );
    }
  });
});
