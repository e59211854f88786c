import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePretrainConfig, readPretrainConfig, trialOf } from '../../src/pretrain/config.js';
import { readConfig } from '../../src/sweep/read-config.js';
import { tinyConfig } from './tiny.js';

const presets = fileURLToPath(new URL('../../presets', import.meta.url));

test('a config is a training of one network, with the defaults of a sweep', () => {
  const config = tinyConfig('/somewhere');
  assert.equal(config.out, resolve('/somewhere/models'));
  assert.equal(config.sweep.cache, resolve('/somewhere/cache'));
  const spec = trialOf(config);
  assert.equal(spec.strategy, 'full');
  assert.equal(spec.n, 'all');
  assert.equal(spec.seed, 4);
  assert.equal(spec.lr, 0.003);
  assert.equal(spec.network?.batchNorm, 'batch');
  assert.equal(spec.weightDecay, 0);
  assert.deepEqual(spec.optimizer, { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const named = parsePretrainConfig(
    'data: { kind: textures }\ntask: multiclass\nsource: { card: a.json }\noutput: { pretraining: x }\n',
    { file: '/somewhere/mine.yaml', out: 'elsewhere' },
  );
  assert.equal(named.name, 'mine');
  assert.equal(named.out, resolve('elsewhere'));
  assert.deepEqual(named.sweep.sources, { start: { card: resolve('/somewhere/a.json') } });
});

test('training may start from a registered model', () => {
  const text =
    'data: { kind: textures }\ntask: multiclass\nsource: { model: limb }\noutput: { pretraining: x }\n';
  const registered = new Map([['limb', '/models/limb.json']]);
  const { sweep } = parsePretrainConfig(text, { file: '/somewhere/mine.yaml', registered });
  assert.deepEqual(sweep.sources, { start: { card: '/models/limb.json' } });
  assert.throws(() => parsePretrainConfig(text.replace('limb', 'limp'), { file: 'mine.yaml', registered }), {
    code: 'CONFIG',
    message:
      "mine.yaml:3:18: source.model: expected the name of a registered model, received 'limp'. Did you mean 'limb'?",
  });
});

test('mistakes are all named, with their place', () => {
  const wrong = `name: my model
data:
  kind: phantom-chest
  holdOut: { label: Emphysema, negatives: some, use: middle }
task: { kind: multilabel, datasets: [nih] }
source: { pretraining: random, architecture: resnet18 }
training: { strategy: extractor, lr: auto, epochs: 0, n: -1, cut: pooled, augmnet: none }
output: { site: chest, trainedOn: [] }
grid: {}
`;
  assert.throws(
    () => parsePretrainConfig(wrong, { file: 'wrong.yaml' }),
    ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'CONFIG');
      const lines = message.split('\n');
      for (const expected of [
        /^wrong\.yaml:1:7: name: expected a name of letters/,
        /^wrong\.yaml:4:\d+: data\.holdOut\.negatives: expected equal, received 'some'/,
        /^wrong\.yaml:4:\d+: data\.holdOut\.use: expected one of upstream, downstream, received 'middle'/,
        /^wrong\.yaml:5:\d+: task\.datasets: expected no data sets: a pretraining has one/,
        /^wrong\.yaml:6:\d+: source\.input: expected a mapping/,
        /^wrong\.yaml:7:\d+: training\.strategy: expected one of last-block, full, none, .*received 'extractor'/,
        /^wrong\.yaml:7:\d+: training\.lr: expected a number above 0, received 'auto'/,
        /^wrong\.yaml:7:\d+: training\.epochs: expected a whole number of at least 1/,
        /^wrong\.yaml:7:\d+: training\.n: expected a whole number of at least 1 or `all`/,
        /^wrong\.yaml:7:\d+: training\.cut: expected one of /,
        /^wrong\.yaml:7:\d+: training\.augmnet: .*Did you mean 'augment'/,
        /^wrong\.yaml:8:\d+: output\.pretraining: expected text, received nothing/,
        /^wrong\.yaml:8:\d+: output\.trainedOn: expected at least one data set/,
        /^wrong\.yaml:9:1: grid: expected one of name, /,
      ])
        assert.ok(
          lines.some((line) => expected.test(line)),
          `${expected}\n${message}`,
        );
      return true;
    },
  );
  assert.throws(() => tinyConfig('/somewhere', ['training.strategy=auto-rgn']), /expected one of last-block/);
  assert.throws(
    () => tinyConfig('/somewhere', ['training.validation=cv:5']),
    /training\.validation: expected one of full, proportional, received 'cv:5'/,
  );
  assert.throws(
    () => tinyConfig('/somewhere', ['data.split={ kind: random, fractions: [0.8, 0, 0.2] }']),
    /data\.split: expected a share for validation above 0, received 0/,
  );
  assert.throws(
    () => tinyConfig('/somewhere', ['training.strategy=last-block']),
    /training\.augment: expected `none` for the strategy `last-block`/,
  );
});

test('the presets are configs; what is held out upstream is what is used downstream', async () => {
  const environment = { CHEXPERT: '/data/chexpert', MURA: '/data/mura', NIH: '/data/nih' };
  const upstream = join(presets, 'upstream');
  const pretrainings = ['upstream', 'pretrain']
    .flatMap((folder) => readdirSync(join(presets, folder)).map((file) => join(presets, folder, file)))
    .filter((file) => !file.endsWith('emphysema.yaml'));
  assert.ok(pretrainings.length >= 9);
  for (const file of pretrainings) {
    const config = await readPretrainConfig(file, { environment });
    assert.equal(trialOf(config).strategy, 'full');
  }
  const sides = await Promise.all([
    readPretrainConfig(join(upstream, 'thirteen-diseases.yaml'), { environment }),
    // The model that the other one makes.
    readConfig(join(upstream, 'emphysema.yaml'), {
      environment,
      set: ['sources.thirteen-diseases={ card: thirteen.json }'],
    }),
  ]);
  const [above, below] = [sides[0].sweep, sides[1]].map(
    ({ data }) => Object.values(data)[0]!.source.holdOut!,
  );
  assert.deepEqual({ ...above, use: '' }, { ...below, use: '' });
  assert.deepEqual([above!.use, below!.use], ['upstream', 'downstream']);
});
