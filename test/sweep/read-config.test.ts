import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { logarithmicStrengths } from '../../src/radiomics/regression-options.js';
import { parseConfig, readConfig } from '../../src/sweep/read-config.js';
import { config, configText, inRest, mistakes } from './configs.js';

describe('a config', () => {
  it('is filled in with defaults', () => {
    const { name, file, out, cache, device, data, tasks, sources, training, axes, exclude } = config('');
    assert.deepEqual(
      { name, file, out, cache, device },
      {
        name: 'test',
        file: '/configs/test.yaml',
        out: resolve('runs/test'),
        cache: resolve('.thaw/cache'),
        device: 'auto',
      },
    );
    assert.deepEqual(data.nih, {
      source: { kind: 'chestxray14', root: '/configs/images' },
      image: { size: 224, geometry: 'fill', channels: 1 },
      split: { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 0 },
      allowLeakage: false,
      imagesOf: [],
      duplicates: 'error',
    });
    assert.deepEqual(tasks, {
      findings: { rule: { kind: 'multilabel' } },
      pneumonia: {
        rule: { kind: 'binary', positive: ['Pneumonia'], negatives: 'rest', prevalence: 'natural' },
      },
    });
    assert.deepEqual(sources, { imagenet: { card: '/configs/card.json' } });
    assert.deepEqual(training, {
      cut: 'pooled',
      featureDtype: 'float32',
      policy: { kind: 'constant' },
      lr: 0.001,
      dropout: 0,
      weightDecay: 0,
      optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      labelWeights: 'none',
      featureScaling: 'standard',
      epochs: 30,
      batch: 32,
      subset: { unit: 'images', stratify: true },
      validation: 'full',
      select: 'loss',
      labelSmoothing: 0,
      ema: 0,
      earlyStopping: 0,
      testViews: 'none',
      batchNorm: 'batch',
      precision: 'fp32',
      clipNorm: 0,
      augment: 'none',
      discriminative: 1,
      atUnfreeze: 'continue',
      denseDropout: 0,
      regression: {
        penalty: 'l2',
        strengths: logarithmicStrengths(10),
        folds: 5,
        classWeights: 'none',
        missing: 'median',
        largestModeShare: 1,
        largestCorrelation: 1,
        tolerance: 1e-6,
        maxIterations: 1000,
      },
    });
    assert.deepEqual(
      axes.map(({ keys, points }) => [keys.join(), points.length]),
      [
        ['dataset', 2],
        ['task', 2],
        ['source', 1],
        ['strategy', 1],
        ['n', 1],
        ['seed', 1],
      ],
    );
    assert.deepEqual(exclude, []);
  });

  it('is plain JSON', () => {
    const resolved = config(
      'grid: { policy: [one-cycle, step], seed: 3 }\nexclude: [{ policy: step, seed: [1, 2] }]',
    );
    assert.deepEqual(JSON.parse(JSON.stringify(resolved)), resolved);
  });

  it('takes words for policies and optimizers, with their usual parameters', () => {
    const { axes } = config(
      'grid: { policy: [one-cycle, cosine, step, {kind: step, factor: 0.5, at: [0.9]}], optimizer: [sgd, {kind: adamw, beta1: 0.8}] }',
    );
    assert.deepEqual(
      axes.find(({ keys }) => keys[0] === 'policy')?.points.map(({ policy }) => policy),
      [
        {
          kind: 'one-cycle',
          warmup: 0.3,
          startDivisor: 25,
          finalDivisor: 10_000,
          momentum: { minimum: 0.85, maximum: 0.95 },
        },
        { kind: 'cosine', final: 0 },
        { kind: 'step', factor: 0.1, at: [0.5, 0.75] },
        { kind: 'step', factor: 0.5, at: [0.9] },
      ],
    );
    assert.deepEqual(
      axes.find(({ keys }) => keys[0] === 'optimizer')?.points.map(({ optimizer }) => optimizer),
      [
        { kind: 'sgd', momentum: 0.9, nesterov: false },
        { kind: 'adamw', beta1: 0.8, beta2: 0.999, epsilon: 1e-8 },
      ],
    );
  });

  it('takes a number for that many seeds, a list for the seeds themselves, and single values for lists of one', () => {
    const seeds = (grid: string) =>
      config(grid)
        .axes.find(({ keys }) => keys[0] === 'seed')
        ?.points.map(({ seed }) => seed);
    assert.deepEqual(seeds('grid: { seed: 5 }'), [0, 1, 2, 3, 4]);
    assert.deepEqual(seeds('grid: { seed: [5] }'), [5]);
    assert.deepEqual(seeds('grid: { seed: [7, 3], n: all }'), [7, 3]);
  });

  it('may leave sections empty', () => {
    assert.deepEqual(config('training:\ngrid:\nzip:\nexclude:'), config(''));
  });

  it('knows all kinds of data, and puts roots beside the file', () => {
    const { data } = parseConfig(
      `data:
  table:
    kind: csv
    root: ../set
    table: labels.csv.gz
    columns: { image: file, patient: pid, labels: { column: findings, separator: '|', none: [Normal] }, split: fold }
    delimiter: ';'
    encoding: latin1
    values: { positive: [1, x], unknown: [-1, ''] }
    splitNames: { 0: train, 1: validation, 2: test }
    split: column
  classes: { kind: folder, root: /absolute, split: folder, patient: '(\\d+)_' }
  plain: { kind: folder, root: x, split: { kind: random, seed: 3 } }
  drawn: { kind: phantom-chest, images: 40, prevalence: { Effusion: 0.5 } }
  limb: { kind: phantom-limb, part: wrist, patients: 10 }
  shapes: { kind: textures, classes: 20 }
  nih: { kind: chestxray14, root: nih, split: { kind: official, validation: 0.2 }, image: { size: 64, channels: 3 } }
tasks: { all: { kind: multiclass, classes: [a, b] } }
sources:
  own:
    pretraining: random
    architecture: squeezenet1_1
    file: weights/own.onnx
    input: { size: 64, channels: 1, scale: 0.00392, mean: [0], std: [1] }
`,
      { file: '/configs/a/test.yaml', cache: '/cache' },
    );
    assert.deepEqual(data.table?.source, {
      kind: 'csv',
      root: '/configs/set',
      table: 'labels.csv.gz',
      columns: {
        image: 'file',
        patient: 'pid',
        labels: { column: 'findings', separator: '|', none: ['Normal'] },
        split: 'fold',
      },
      delimiter: ';',
      encoding: 'latin1',
      values: { positive: ['1', 'x'], unknown: ['-1', ''] },
      splitNames: { 0: 'train', 1: 'validation', 2: 'test' },
    });
    assert.deepEqual(data.table?.split, { kind: 'given' });
    assert.deepEqual(data.classes?.source, {
      kind: 'folder',
      root: '/absolute',
      split: true,
      patient: '(\\d+)_',
    });
    assert.deepEqual(data.plain?.source, { kind: 'folder', root: '/configs/a/x' });
    assert.deepEqual(data.plain?.split, { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 3 });
    assert.deepEqual(data.drawn?.source, {
      kind: 'phantom-chest',
      ...{ images: 40, patients: 20, size: 128, seed: 0 },
      prevalence: { Effusion: 0.5 },
    });
    assert.deepEqual(data.limb?.source, {
      kind: 'phantom-limb',
      part: 'wrist',
      ...{ images: 400, patients: 10, size: 128, seed: 0 },
      prevalence: {},
    });
    assert.deepEqual(data.shapes?.source, { kind: 'textures', images: 400, size: 128, seed: 0, classes: 20 });
    assert.deepEqual(data.nih?.split, { kind: 'official', validation: 0.2, seed: 0 });
    assert.deepEqual(data.nih?.image, { size: 64, geometry: 'fill', channels: 3 });
  });

  it('may hold a model card itself', () => {
    const { sources } = parseConfig(
      configText('').replace(
        '{ card: card.json }',
        '{ pretraining: site, architecture: r, file: w.onnx, input: { size: 64, channels: 1, scale: 1, mean: [0], std: [1] } }',
      ),
      { file: '/configs/test.yaml' },
    );
    assert.deepEqual(sources.imagenet, {
      inline: {
        name: 'imagenet',
        pretraining: 'site',
        architecture: 'r',
        file: '/configs/w.onnx',
        input: { size: 64, channels: 1, order: 'RGB', scale: 1, mean: [0], std: [1] },
      },
    });
  });

  it('is read from a file, whose name it takes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thaw-config-'));
    try {
      const file = join(folder, 'lungs.yaml');
      await writeFile(file, configText('out: results\ncache: cache'));
      const read = await readConfig(file);
      assert.deepEqual(
        [read.name, read.out, read.cache],
        ['lungs', join(folder, 'results'), join(folder, 'cache')],
      );
      const moved = await readConfig(file, { out: 'here', cache: '/there' });
      assert.deepEqual([moved.out, moved.cache], [resolve('here'), '/there']);
      await assert.rejects(readConfig(join(folder, 'none.yaml')), {
        code: 'IO',
        message: /none\.yaml.*ENOENT/,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('may use anchors and merge keys', () => {
    const { data } = parseConfig(
      `data:
  a: &base { kind: chestxray14, root: x, image: { size: 64 } }
  b: { <<: *base, root: y }
tasks: { t: { kind: multilabel } }
sources: { s: { card: c.json } }
`,
      { file: '/c.yaml' },
    );
    assert.equal(data.b?.source.root, '/y');
    assert.equal(data.b?.image.size, 64);
  });
});

describe('--set', () => {
  it('changes and adds values, in lists too', () => {
    const changed = parseConfig(configText('grid: { lr: [0.1, 0.2] }'), {
      file: '/c.yaml',
      set: [
        'training.epochs=3',
        'grid.lr[1]=0.5',
        'grid.n=[50, all]',
        'data.nih.image.size=64',
        'device=cpu',
        'grid.seed=2',
      ],
    });
    assert.equal(changed.training.epochs, 3);
    assert.equal(changed.data.nih?.image.size, 64);
    assert.equal(changed.device, 'cpu');
    const values = Object.fromEntries(
      changed.axes.map(({ keys, points }) => [keys[0], points.map((point) => point[keys[0]!])]),
    );
    assert.deepEqual(
      [values.lr, values.n, values.seed],
      [
        [0.1, 0.5],
        [50, 'all'],
        [0, 1],
      ],
    );
  });

  it('takes values with = in them, and leaves other users of an anchor alone', () => {
    const text = `data:
  a: { kind: chestxray14, root: x, image: &image { size: 64 } }
  b: { kind: chestxray14, root: x, image: *image }
tasks: { t: { kind: multilabel } }
sources: { s: { card: c.json } }
`;
    const { data } = parseConfig(text, {
      file: '/c.yaml',
      set: ['data.b.image.size=32', 'data.a.root="a=b"'],
    });
    assert.deepEqual([data.a?.image.size, data.b?.image.size, data.a?.source.root], [64, 32, '/a=b']);
  });

  it('is named by mistakes that come from it', () => {
    assert.deepEqual(inRest('', { set: ['training.epochs=many', 'trainin.lr=1', 'grid.lr=[1, -1]'] }), [
      "--set training.epochs=many: training.epochs: expected a whole number of at least 1, received 'many'.",
      '--set grid.lr=[1, -1]: grid.lr[1]: expected a number above 0 or `auto`, received -1.',
      "--set trainin.lr=1: trainin: expected one of name, out, cache, cacheLimit, device, extractor, data, tasks, sources, training, grid, zip, exclude, claims, alpha, received 'trainin'. Did you mean 'training'?",
    ]);
    assert.deepEqual(
      inRest('grid: { lr: 0.1, n: [50] }', {
        set: ['training', '=3', 'a..b=1', 'grid.lr.0=3', 'grid.n[2]=3', 'name=[a'],
      }).map((line) => line.slice(0, 60)),
      [
        "--set training: expected path=value, received 'training'.",
        "--set =3: expected path=value, received '=3'.",
        "--set a..b=1: expected path=value, received 'a..b=1'.",
        '--set grid.lr.0=3: expected grid.lr to be a mapping or a lis',
        "--set grid.n[2]=3: expected an index from 0 to 0, received '",
        '--set name=[a: Flow sequence must end with a ].',
      ],
    );
  });
});

describe('environment variables', () => {
  const text = (root: string) => configText('').replace('root: images', () => `root: '${root}'`);
  const rootOf = (root: string, environment: Record<string, string>) =>
    parseConfig(text(root), { file: '/c.yaml', environment }).data.nih?.source.root;

  it('stand in values, with defaults', () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: this is the config's own syntax
    assert.equal(rootOf('${DATA}/nih', { DATA: '/scratch' }), '/scratch/nih');
    assert.equal(rootOf('${DATA:-/local}/${SET:-nih}', { SET: 'x' }), '/local/x');
    assert.equal(rootOf('${DATA:-/local}', { DATA: '' }), '/local');
    assert.equal(rootOf('/a$${DATA}', { DATA: 'x' }), '/a${DATA}');
    assert.equal(rootOf('/${A}', { A: '${B}', B: 'x' }), '/${B}');
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: this is the config's own syntax
  });

  it('that are not set are reported with their place, among other mistakes', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the config's own syntax
    assert.deepEqual(mistakes(text('${THAW_NOWHERE}').replace('multilabel', 'multilabl')), [
      'sweep.yaml:2:35: data.nih.root: the environment variable THAW_NOWHERE is not set.',
      "sweep.yaml:4:28: tasks.findings.kind: expected one of multilabel, binary, multiclass, received 'multilabl'. Did you mean 'multilabel'?",
    ]);
  });
});
