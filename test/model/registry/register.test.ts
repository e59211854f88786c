import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../../src/base/hash.js';
import { decodeModel, EXTERNAL, encodeModel } from '../../../src/model/onnx-proto.js';
import {
  embeddedModels,
  listModels,
  modelsFolder,
  registeredModels,
  searchFolders,
} from '../../../src/model/registry/folders.js';
import { registerModel, removeModel } from '../../../src/model/registry/register.js';
import { verifyModel } from '../../../src/model/registry/verify.js';
import { loadModel, readCard } from '../../../src/model/registry.js';
import { temporaryFolder, tinyCard, tinyWeights } from './weights.js';

const networks = fileURLToPath(new URL('../golden/networks/', import.meta.url));
const unsafe = [
  '../tiny',
  'a/b',
  '..',
  '.',
  '',
  'a.b',
  '-x',
  'a\\b',
  'a\0b',
  '/etc/x',
  'C:x',
  'x'.repeat(101),
];

test('a file or bytes become a model with a pinned card; nothing else is left in the folder', async (t) => {
  const [folder, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  const weights = tinyWeights();
  const file = join(elsewhere, 'epoch_12.safetensors');
  writeFileSync(file, weights);
  const { card, model } = await registerModel({ card: tinyCard('one'), weights: { file } }, folder);
  assert.equal(card.file, 'one.safetensors');
  assert.equal(card.sha256, sha256(weights));
  assert.equal(model.match?.missing.length, 0);
  const bytes = { bytes: weights, extension: '.safetensors' };
  const two = await registerModel({ card: tinyCard('two'), weights: bytes }, folder);
  assert.equal(two.model.fingerprint, model.fingerprint);
  await registerModel({ card: { ...tinyCard('three'), randomSeed: 3 } }, folder);
  const files = ['one.json', 'one.safetensors', 'three.json', 'two.json', 'two.safetensors'];
  assert.deepEqual(readdirSync(folder).sort(), files);
  for (const name of ['one', 'two', 'three']) {
    const stored = await readCard(join(folder, `${name}.json`));
    assert.ok((await loadModel(stored, { folder })).fingerprint);
  }
});

test('weights that lie in place already are not copied', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'tiny.safetensors');
  writeFileSync(file, tinyWeights());
  const { card } = await registerModel({ card: tinyCard(), weights: { file } }, folder);
  assert.equal(card.file, 'tiny.safetensors');
  assert.deepEqual(readdirSync(folder).sort(), ['tiny.json', 'tiny.safetensors']);
});

test('a network that cannot be used is refused and leaves nothing', async (t) => {
  const [folder, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  const file = join(elsewhere, 'weights.safetensors');
  writeFileSync(file, tinyWeights(1, ['layer2.0.conv1.weight']));
  await assert.rejects(registerModel({ card: tinyCard(), weights: { file } }, folder), {
    code: 'MODEL',
    message:
      /weights\.safetensors: lacks 1 tensors of the resnet\(8,\[1,1\]\) backbone: layer2\.0\.conv1\.weight/,
  });
  const bytes = { bytes: tinyWeights().subarray(0, 900), extension: '.safetensors' };
  await assert.rejects(registerModel({ card: tinyCard(), weights: bytes }, folder), { code: 'MODEL' });
  const wrong = { ...tinyCard(), input: { ...tinyCard().input, mean: [0.5] } };
  await assert.rejects(registerModel({ card: wrong, weights: { file } }, folder), {
    code: 'MODEL',
    message: /input\.mean/,
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('a name is taken once, unless it is replaced', async (t) => {
  const folder = temporaryFolder(t);
  const model = (seed: number, extension = '.safetensors') => {
    return { card: tinyCard(), weights: { bytes: tinyWeights(seed), extension } };
  };
  const first = await registerModel(model(1), folder);
  await assert.rejects(registerModel(model(2), folder), {
    code: 'CONFIG',
    message: /there is a model 'tiny' already.*--force/,
  });
  assert.equal((await readCard(join(folder, 'tiny.json'))).sha256, first.card.sha256);
  const second = await registerModel(model(2), folder, { replace: true });
  assert.notEqual(second.card.sha256, first.card.sha256);
  assert.equal(second.card.sha256, sha256(readFileSync(join(folder, 'tiny.safetensors'))));
  const onnx = readFileSync(`${networks}resnet.onnx`);
  const card = { ...tinyCard(), input: { ...tinyCard().input, size: 64 } };
  await registerModel({ card, weights: { bytes: onnx, extension: '.onnx' } }, folder, { replace: true });
  assert.deepEqual(readdirSync(folder).sort(), ['tiny.json', 'tiny.onnx']);
});

/** The golden ResNet with one weight in a data file beside it, and `extra` tensors that no node reads. */
function withDataFile(folder: string, extra: readonly object[] = []): string {
  const model = decodeModel(readFileSync(`${networks}resnet.onnx`), 'memory');
  const [first, ...rest] = model.graph.initializer;
  writeFileSync(join(folder, 'weights.data'), first!.rawData);
  const outside = { ...first, rawData: new Uint8Array(), ...external('weights.data') };
  const graph = { ...model.graph, initializer: [outside, ...rest, ...extra] };
  const path = join(folder, 'net.onnx');
  writeFileSync(path, encodeModel({ ...model, irVersion: 8, graph } as never));
  return path;
}

const external = (location: string) => ({
  dataLocation: EXTERNAL,
  externalData: [{ key: 'location', value: location }],
});

test('an ONNX file brings its data files along, from its own folder only', async (t) => {
  const [folder, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  const file = withDataFile(elsewhere);
  const card = { ...tinyCard('far'), input: { ...tinyCard().input, size: 64 } };
  const registered = await registerModel({ card, weights: { file } }, folder);
  assert.equal(registered.card.file, 'far/net.onnx');
  assert.deepEqual(readdirSync(join(folder, 'far')).sort(), ['net.onnx', 'weights.data']);
  const loaded = await loadModel(registered.card, { folder });
  assert.equal(loaded.fingerprint, registered.model.fingerprint);
  assert.deepEqual((await removeModel('far', folder)).sort(), ['far', 'far.json']);
  assert.deepEqual(readdirSync(folder), []);
  // A tensor that no node reads could name any file of the user's.
  writeFileSync(join(elsewhere, 'secret'), 'x');
  const inner = join(elsewhere, 'inner');
  mkdirSync(inner);
  const hostile = withDataFile(inner, [{ name: 'unread', dataType: 1, dims: [1], ...external('../secret') }]);
  const refused = registerModel({ card, weights: { file: hostile } }, folder);
  await assert.rejects(refused, {
    code: 'MODEL',
    message: /inside the model's folder, received "\.\.\/secret"/,
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('names are safe as paths', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'tiny.json'), '{}');
  for (const name of unsafe) {
    const weights = { bytes: tinyWeights(), extension: '.safetensors' };
    const inside = join(folder, 'models');
    await assert.rejects(registerModel({ card: tinyCard(name), weights }, inside), { code: 'CONFIG' }, name);
    await assert.rejects(
      removeModel(name, inside),
      { code: 'CONFIG', message: /expected a name of letters/ },
      name,
    );
  }
  assert.deepEqual(readdirSync(folder).sort(), ['models', 'tiny.json']);
  assert.deepEqual(readdirSync(join(folder, 'models')), []);
});

test('what is removed is the model and nothing beside it', async (t) => {
  const folder = temporaryFolder(t);
  const weights = { bytes: tinyWeights(), extension: '.safetensors' };
  for (const name of ['tiny', 'tiny-2']) await registerModel({ card: tinyCard(name), weights }, folder);
  writeFileSync(join(folder, 'tiny.training.json'), '{}');
  writeFileSync(join(folder, 'precious.onnx'), '');
  // A card may point anywhere; what is not called after the model stays.
  const card = { ...tinyCard('linked'), file: 'precious.onnx' };
  writeFileSync(join(folder, 'linked.json'), JSON.stringify(card));
  await assert.rejects(removeModel('tinny', folder), {
    code: 'CONFIG',
    message: /there is no model 'tinny'. Did you mean 'tiny'\?/,
  });
  assert.deepEqual((await removeModel('tiny', folder)).sort(), [
    'tiny.json',
    'tiny.safetensors',
    'tiny.training.json',
  ]);
  assert.deepEqual(await removeModel('linked', folder), ['linked.json']);
  assert.deepEqual(readdirSync(folder).sort(), ['precious.onnx', 'tiny-2.json', 'tiny-2.safetensors']);
});

test('verifying finds a changed byte, a lost file and a broken card', async (t) => {
  const folder = temporaryFolder(t);
  const weights = { bytes: tinyWeights(), extension: '.safetensors' };
  for (const name of ['whole', 'changed', 'lost'])
    await registerModel({ card: tinyCard(name), weights }, folder);
  const changed = Buffer.from(tinyWeights());
  changed[changed.length - 3]! ^= 1;
  writeFileSync(join(folder, 'changed.safetensors'), changed);
  writeFileSync(join(folder, 'lost.json'), JSON.stringify({ ...tinyCard('lost'), file: 'nowhere.onnx' }));
  writeFileSync(join(folder, 'broken.json'), '{');
  writeFileSync(join(folder, 'tiny.training.json'), '{}');
  const results = await Promise.all((await listModels([folder])).map(verifyModel));
  assert.deepEqual(
    results.map(({ name, problem }) => [name, problem?.match(/not a model card|SHA-256|cannot read/)?.[0]]),
    [
      ['broken', 'not a model card'],
      ['changed', 'SHA-256'],
      ['lost', 'cannot read'],
      ['whole', undefined],
    ],
  );
});

test('folders: the option, the variable, the data folder of the system; the first that has a name wins', async (t) => {
  const choice = { environment: {}, here: '/lab', home: '/home/ada', platform: 'linux' } as const;
  assert.equal(modelsFolder(choice), '/home/ada/.local/share/thaw/models');
  assert.equal(modelsFolder({ ...choice, environment: { XDG_DATA_HOME: '/data' } }), '/data/thaw/models');
  assert.equal(
    modelsFolder({ ...choice, platform: 'darwin' }),
    '/home/ada/Library/Application Support/thaw/models',
  );
  assert.equal(modelsFolder({ ...choice, environment: { THAW_MODELS: 'zoo' } }), '/lab/zoo');
  assert.equal(modelsFolder({ ...choice, given: 'mine', environment: { THAW_MODELS: 'zoo' } }), '/lab/mine');
  assert.deepEqual(searchFolders(choice), [
    '/lab/models',
    '/home/ada/.local/share/thaw/models',
    embeddedModels,
  ]);
  assert.deepEqual(searchFolders({ ...choice, given: '/zoo' }), ['/zoo', embeddedModels]);
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  const weights = { bytes: tinyWeights(), extension: '.safetensors' };
  await registerModel({ card: tinyCard('tiny'), weights }, two);
  const found = await registeredModels([join(one, 'absent'), one, two, embeddedModels]);
  assert.equal(found.get('tiny'), join(two, 'tiny.json'));
  assert.ok(existsSync(found.get('squeezenet1_1-random')!));
});
