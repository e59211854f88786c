import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../../src/base/hash.js';
import { temporaryFolder, thaw } from '../e2e/thaw.js';
import { sendFile, serve } from '../model/registry/server.js';
import { ARCHITECTURE, tinyCard, tinyEntry, tinyWeights } from '../model/registry/weights.js';

const weights = tinyWeights();

/** A folder with a catalogue of one model `tiny` on a server of this machine. */
async function withCatalogue(t: TestContext) {
  const folder = temporaryFolder(t);
  const { url, seen } = await serve(t, (request, response) => sendFile(request, response, weights));
  const entry = tinyEntry(`${url}tiny.safetensors`, weights, 8);
  writeFileSync(join(folder, 'lab.json'), JSON.stringify([entry]));
  return { folder, seen, options: ['--models', 'zoo'], lab: ['--catalogue', 'lab.json'] };
}

test('pull, list, inspect, verify, remove', async (t) => {
  const { folder, options, lab, seen } = await withCatalogue(t);
  const pulled = await thaw(['models', 'pull', 'tiny', ...lab, ...options], folder);
  assert.equal(pulled.status, 0, pulled.stderr);
  assert.equal(pulled.stdout, 'zoo/tiny.json\n');
  assert.match(pulled.stderr, new RegExp(`tiny: downloaded and registered; SHA-256 ${sha256(weights)}`));
  const again = await thaw(['models', 'pull', 'tiny', ...lab, ...options], folder);
  assert.match(again.stderr, /was there and is whole/);
  assert.equal(seen.length, 1);

  const list = await thaw(['models', 'list', ...options], folder);
  assert.match(list.stdout, /^Registered:\n.*tiny +resnet\(8,\[1,1\]\) +clinic +32×32×3/ms);
  assert.match(list.stdout, /densenet121-imagenet +densenet121 +imagenet +224×224×3/);
  const { registered, pullable } = JSON.parse(
    (await thaw(['models', 'list', '--json', ...options], folder)).stdout,
  );
  assert.equal(registered.find(({ name }: { name: string }) => name === 'tiny').card.sha256, sha256(weights));
  assert.equal(
    pullable.find(({ name }: { name: string }) => name === 'resnet50-imagenet').sha256,
    '0676ba61',
  );

  const seenModel = JSON.parse((await thaw(['models', 'inspect', 'tiny', ...options], folder)).stdout);
  assert.deepEqual(
    seenModel.graph.stages.map(({ name }: { name: string }) => name),
    ['stem', 'block1', 'block2', 'head'].filter((name) =>
      seenModel.graph.stages.some((stage: { name: string }) => stage.name === name),
    ),
  );
  assert.deepEqual(seenModel.inputRange[0], { channel: 'R', from: -2.5, to: 2.5 });

  assert.match(
    (await thaw(['models', 'verify', 'tiny', ...options], folder)).stdout,
    /^ok {3}tiny {2}[0-9a-f]{32}\n$/,
  );
  // By its name too it is a model for `predict`, whose card cannot say what its outputs are.
  const asked = await thaw(['predict', 'tiny', 'scan.png', '--models', 'zoo'], folder);
  assert.match(asked.stderr, /tiny\.json \(--kind\): nothing says how its outputs become probabilities/);
  const unknown = await thaw(['predict', 'tinny', 'scan.png', '--models', 'zoo'], folder);
  assert.match(unknown.stderr, /tinny: expected an \.onnx file or a model card.*`thaw models list`/s);

  writeFileSync(join(folder, 'zoo', 'tiny.safetensors'), tinyWeights(2));
  const broken = await thaw(['models', 'verify', ...options], folder);
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /^FAIL tiny: .*expects the SHA-256/m);
  assert.match(broken.stdout, /^ok {3}squeezenet1_1-random/m);

  const removed = await thaw(['models', 'remove', 'tiny', ...options], folder);
  assert.match(removed.stdout, /^tiny: removed tiny\.json, tiny\.safetensors from .*zoo\n$/);
  assert.deepEqual(readdirSync(join(folder, 'zoo')), []);
  for (const name of ['tiny', '../lab', 'squeezenet1_1-random']) {
    const refused = await thaw(['models', 'remove', name, ...options], folder);
    assert.equal(refused.status, 1, name);
  }
  assert.ok(existsSync(join(folder, 'lab.json')));
});

test('import says what was matched, takes the input of another model, and makes a source that a sweep knows by name', async (t) => {
  const { folder, options } = await withCatalogue(t);
  writeFileSync(join(folder, 'epoch 12.safetensors'), weights);
  const facts = [
    '--arch',
    ARCHITECTURE,
    '--like',
    'resnet20-cifar10',
    '--site',
    'wrist',
    '--trained-on',
    'mura',
    '--labels',
    'a, b',
  ];
  const imported = await thaw(['models', 'import', 'epoch 12.safetensors', ...facts, ...options], folder);
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stderr, /^\d+ matched, 0 missing, 0 unexpected\n/);
  const card = JSON.parse(readFileSync(join(folder, 'zoo', 'epoch-12.json'), 'utf8'));
  const { input, sha256: digest, ...rest } = card;
  assert.deepEqual(rest, {
    architecture: ARCHITECTURE,
    name: 'epoch-12',
    pretraining: 'epoch-12',
    site: 'wrist',
    trainedOn: ['mura'],
    labels: ['a', 'b'],
    file: 'epoch-12.safetensors',
  });
  assert.equal(digest, sha256(weights));
  assert.deepEqual([input.size, input.mean], [32, [0.485, 0.456, 0.406]]);

  writeFileSync(
    join(folder, 'sweep.yaml'),
    'data: { own: { kind: textures, images: 40, classes: 2, size: 32, image: { size: 32 } } }\ntasks: { all: { kind: multiclass } }\nsources: { ours: { model: epoch-12 } }\n',
  );
  const planned = await thaw(['sweep', 'sweep.yaml', '--dry-run', '--json', ...options], folder);
  assert.equal(planned.status, 0, planned.stderr);
  const elsewhere = await thaw(['sweep', 'sweep.yaml', '--dry-run', '--models', 'empty'], folder);
  assert.equal(elsewhere.status, 1);
  assert.match(
    elsewhere.stderr,
    /sources\.ours\.model: expected the name of a registered model, received 'epoch-12'/,
  );
});

test('import refuses what is missing or does not fit, in one sentence', async (t) => {
  const { folder, options } = await withCatalogue(t);
  writeFileSync(join(folder, 'w.safetensors'), weights);
  mkdirSync(join(folder, 'cards'));
  writeFileSync(
    join(folder, 'cards', 'w.json'),
    JSON.stringify({ ...tinyCard('mine'), file: '../w.safetensors', sha256: '0'.repeat(64) }),
  );
  const like = ['--like', 'resnet20-cifar10'];
  const cases: [string[], RegExp][] = [
    [['w.safetensors'], /--arch: is missing/],
    [['w.safetensors', '--arch', 'resnet18'], /--size: is missing/],
    [
      ['w.safetensors', '--arch', ARCHITECTURE, '--size', '32'],
      /--mean: is missing: .*a wrong one does not fail/,
    ],
    [
      ['w.safetensors', '--arch', ARCHITECTURE, '--like', 'resnet20-cifar'],
      /--like: there is no model .* Did you mean 'resnet20-cifar10'/,
    ],
    [['w.safetensors', '--arch', ARCHITECTURE, ...like, '--mean', '0.5,x'], /--mean: expected numbers/],
    [['w.safetensors', '--arch', ARCHITECTURE, ...like, '--mean', '0.5'], /input\.mean: expected 3 numbers/],
    [['w.safetensors', '--arch', ARCHITECTURE, ...like, '--name', '../w'], /expected a name of letters/],
    [['w.safetensors', '--arch', 'resnet18', ...like], /w\.safetensors/],
    [['lab.json'], /not valid/],
    [['cards/w.json'], /expects the SHA-256 0000/],
    [['w.txt'], /expects a \.onnx/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { status, stderr } = await thaw(['models', 'import', ...args, ...options], folder);
      assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }),
  );
  assert.ok(!existsSync(join(folder, 'zoo')) || readdirSync(join(folder, 'zoo')).length === 0);
});
