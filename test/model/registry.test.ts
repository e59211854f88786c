import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256File } from '../../src/base/hash.js';
import type { ModelCard } from '../../src/model/card.js';
import { findCut, prefixOf } from '../../src/model/cut.js';
import { describeModel } from '../../src/model/describe.js';
import { modelFingerprint } from '../../src/model/fingerprint.js';
import { decodeModel, encodeModel } from '../../src/model/onnx-proto.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { exportPrefix } from '../../src/model/prefix.js';
import { loadModel, readCard, validateCard } from '../../src/model/registry.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const networks = fileURLToPath(new URL('golden/networks/', import.meta.url));
const randomCard = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const WEIGHTS = 'weights/squeezenet1_1_imagenet';

const card = (changes: Partial<ModelCard> = {}): ModelCard => ({
  name: 'tiny-resnet',
  pretraining: 'imagenet',
  architecture: 'tiny-resnet',
  file: 'resnet.onnx',
  input: { size: 64, channels: 3, order: 'RGB', scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  ...changes,
});
const folder = () => mkdtempSync(join(tmpdir(), 'thaw-registry-'));

test('a card is checked field by field', () => {
  type Draft = Record<string, unknown> & { input: Record<string, unknown> };
  const refused = (change: (value: Draft) => void, message: RegExp) => {
    const value = structuredClone(card()) as unknown as Draft;
    change(value);
    assert.throws(
      () => validateCard(value, { file: 'sweep.yaml', row: 7 }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'MODEL');
        assert.match(error.message, /^sweep\.yaml:7: the model card is not valid/);
        assert.match(error.message, message);
        return true;
      },
    );
  };
  assert.deepEqual(validateCard(card(), {}), card());
  refused((value) => delete value.name, /name: expected string, which is missing/);
  refused((value) => (value.input.size = '64'), /input\.size: expected .*received "64"/);
  refused((value) => (value.input.channels = 2), /input\.channels: .*received 2/);
  refused((value) => (value.input.order = 'GBR'), /input\.order: .*"RGB"\|"BGR".*received "GBR"/);
  refused(
    (value) => (value.input.mean = [0.5]),
    /input\.mean: expected 3 numbers \(one per channel\), received 1/,
  );
  refused((value) => (value.input.std = [0, 1, 1]), /input\.std\.0: .*received 0/);
  refused((value) => (value.sha256 = 'abc'), /sha256: expected 64 hexadecimal digits.*received "abc"/);
  refused((value) => (value.randomSeed = 3), /randomSeed: expected either a file or a randomSeed/);
  refused((value) => (value.wieghts = 3), /the card: Unrecognized key: "wieghts"/);
  assert.throws(() => validateCard(null, {}), { code: 'MODEL', message: /the card: expected object/ });
});

test('a card file is read; one that is no JSON is refused', async () => {
  assert.equal((await readCard(randomCard)).architecture, 'squeezenet1_1');
  const path = join(folder(), 'card.json');
  writeFileSync(path, 'name: x');
  await assert.rejects(readCard(path), { code: 'MODEL', message: /card\.json: not a model card/ });
  await assert.rejects(readCard('/nowhere/card.json'), { code: 'IO' });
});

test('the card of the random SqueezeNet loads', async () => {
  const model = await loadModel(await readCard(randomCard), { folder: '.' });
  assert.deepEqual(findCut(model.graph, 'pooled').shape, [512]);
  assert.match(model.notes.join(), /random weights \(seed 1\)/);
});

test('a wrong hash is refused with both hashes, a right one accepted', async () => {
  const sha256 = await sha256File(`${networks}resnet.onnx`);
  await loadModel(card({ sha256 }), { folder: networks });
  const wrong = '0'.repeat(64);
  await assert.rejects(loadModel(card({ sha256: wrong }), { folder: networks }), {
    code: 'MODEL',
    message: new RegExp(`resnet\\.onnx: expects the SHA-256 ${wrong}, received ${sha256}`),
  });
});

test('a card that does not fit the network is refused with what the network expects', async () => {
  const { input } = card();
  const size = { ...input, size: 128 };
  await assert.rejects(loadModel(card({ input: size }), { folder: networks }), {
    code: 'MODEL',
    message:
      /resnet\.onnx \(input\): the network expects images \[3, 64, 64\], the card says \[3, 128, 128\]/,
  });
  const grey = { ...input, channels: 1 as const, mean: [0.5], std: [0.2] };
  await assert.rejects(loadModel(card({ input: grey }), { folder: networks }), {
    message: /expects images \[3, 64, 64\], the card says \[1, 64, 64\]/,
  });
  await assert.rejects(loadModel(card({ file: 'resnet.json' }), { folder: networks }), {
    message: /expects a \.onnx, \.safetensors, \.pth, .* or \.npz file, received "\.json"/,
  });
  await assert.rejects(loadModel(card({ file: 'absent.onnx' }), { folder: networks }), { code: 'IO' });
  await assert.rejects(loadModel(card({ featureTensor: 'absent' }), { folder: networks }), {
    code: 'MODEL',
    message: /resnet\.onnx .*"absent" is not a tensor that every path passes through/,
  });
});

test('weights that are not finite are refused by name', async () => {
  const place = folder();
  const { graph } = await loadModel(card(), { folder: networks });
  const [name, { data }] = [...graph.parameters][2]!;
  data[data.length - 1] = Number.NEGATIVE_INFINITY;
  writeFileSync(join(place, 'resnet.onnx'), writeOnnx(graph));
  await assert.rejects(loadModel(card(), { folder: place }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'MODEL');
    assert.match(error.message, /resnet\.onnx.*holds weights that are not finite numbers/);
    assert.ok(error.message.includes(name), error.message);
    return true;
  });
});

test('where the file leaves the input size open, the card gives it', async () => {
  const model = decodeModel(readFileSync(`${networks}resnet.onnx`), 'memory');
  const [input] = model.graph.input;
  for (const dimension of input?.type?.tensorType?.shape?.dim.slice(2) ?? []) {
    Object.assign(dimension, { dimValue: undefined, dimParam: 'side' });
  }
  const path = folder();
  writeFileSync(join(path, 'open.onnx'), encodeModel({ ...model, irVersion: 8 } as never));
  const loaded = await loadModel(card({ file: 'open.onnx' }), { folder: path });
  assert.deepEqual(loaded.graph.inputShape, [3, 64, 64]);
  const fixed = await loadModel(card(), { folder: networks });
  assert.equal(loaded.fingerprint, fixed.fingerprint);
  const description = await describeModel(join(path, 'open.onnx'), { size: 96 });
  assert.deepEqual(description.graph?.stages[0]?.shape, [6, 24, 24]);
  assert.match(description.notes.join(), /leaves the input size open; shapes are for 96×96/);
});

test('the fingerprint knows structure, weights and normalisation, but no names, order or paths', async () => {
  const { graph, fingerprint } = await loadModel(card(), { folder: networks });
  const elsewhere = folder();
  copyFileSync(`${networks}resnet.onnx`, join(elsewhere, 'renamed.onnx'));
  const renamed = card({ name: 'other', file: 'renamed.onnx' });
  assert.equal((await loadModel(renamed, { folder: elsewhere })).fingerprint, fingerprint);

  const rename = (name: string) => `~${name}`;
  const disguised = {
    ...graph,
    input: rename(graph.input),
    output: rename(graph.output),
    nodes: graph.nodes.map((node) => {
      return { ...node, name: '', inputs: node.inputs.map(rename), output: rename(node.output) };
    }),
    parameters: new Map([...graph.parameters].reverse()),
  };
  assert.equal(modelFingerprint(disguised, card()), fingerprint);

  const different = [
    modelFingerprint(graph, card({ input: { ...card().input, order: 'BGR' } })),
    modelFingerprint(graph, card({ featureTensor: findCut(graph, 'block2').tensor })),
    modelFingerprint(prefixOf(graph, 'pooled'), card()),
    modelFingerprint({ ...graph, parameters: nudged(graph.parameters) }, card()),
    modelFingerprint({ ...graph, nodes: graph.nodes.map(withOtherEpsilon) }, card()),
  ];
  assert.equal(new Set([fingerprint, ...different]).size, 6);
});

test('exportPrefix writes a prefix of fixed batch once, with named ends', async () => {
  const cacheFolder = folder();
  const model = await loadModel(card(), { folder: networks });
  const { path, shape, id } = await exportPrefix(model, 'pooled', { size: 96, batch: 4, cacheFolder });
  assert.equal(path, join(cacheFolder, 'models', id, 'prefix.onnx'));
  assert.deepEqual(shape, [16]);
  const description = await describeModel(path);
  assert.deepEqual(description.inputs, [{ name: 'images', shape: [4, 3, 96, 96] }]);
  assert.deepEqual(description.outputs, [{ name: 'features', shape: [4, 16] }]);
  const input = waves([4, 3, 96, 96]);
  const expected = await runOnnx(
    writeOnnx(prefixOf(model.graph, 'pooled', { inputShape: [3, 96, 96] })),
    input,
    [4, 3, 96, 96],
  );
  const received = await runOnnx(path, input, [4, 3, 96, 96]);
  assert.equal(largestDifference(received.values, expected.values), 0);

  const { ino } = statSync(path);
  assert.deepEqual(await exportPrefix(model, 'pooled', { size: 96, batch: 4, cacheFolder }), {
    path,
    shape,
    id,
  });
  assert.equal(statSync(path).ino, ino);
  const others = await Promise.all([
    exportPrefix(model, 'block4', { size: 96, batch: 4, cacheFolder }),
    exportPrefix(model, 'pooled', { size: 64, batch: 4, cacheFolder }),
    exportPrefix(model, 'pooled', { size: 96, batch: 2, cacheFolder }),
  ]);
  assert.equal(new Set([id, ...others.map((other) => other.id)]).size, 4);
  await assert.rejects(exportPrefix(model, 'neck', { size: 64, batch: 1, cacheFolder }), {
    message: /no cut "neck".*stem, block1/,
  });
  await assert.rejects(exportPrefix(model, 'pooled', { size: 64, batch: 0, cacheFolder }), { code: 'MODEL' });
});

test('an ONNX file is described: operators, stages, cuts', async () => {
  const description = await describeModel(`${networks}densenet.onnx`);
  assert.equal(description.opset, 11);
  assert.match(description.producer ?? '', /^pytorch/);
  assert.deepEqual(description.inputs, [{ name: 'input', shape: ['batch', 1, 64, 64] }]);
  assert.deepEqual(description.unsupportedOperators, []);
  assert.equal(description.operators.AveragePool, 3);
  assert.deepEqual(
    description.graph?.cuts.map(({ name, shape }) => [name, shape]),
    [
      ['stem', [6, 16, 16]],
      ['block1', [12, 16, 16]],
      ['block2', [15, 8, 8]],
      ['block3', [16, 4, 4]],
      ['block4', [14, 2, 2]],
      ['pooled', [14]],
    ],
  );
  const stages = description.graph?.stages ?? [];
  const sum = (key: 'parameters' | 'multiplyAdds') => stages.reduce((total, stage) => total + stage[key], 0);
  assert.equal(sum('parameters'), description.graph?.parameters);
  assert.equal(sum('multiplyAdds'), description.graph?.multiplyAdds);
});

test('an ONNX file that cannot be used is described with the reason', async () => {
  const model = decodeModel(readFileSync(`${networks}resnet.onnx`), 'memory');
  const relu = model.graph.node.find(({ opType }) => opType === 'Relu');
  Object.assign(relu ?? {}, { opType: 'Erf' });
  const path = join(folder(), 'odd.onnx');
  writeFileSync(path, encodeModel({ ...model, irVersion: 8 } as never));
  const description = await describeModel(path);
  assert.deepEqual(description.unsupportedOperators, ['Erf']);
  assert.match(description.problem ?? '', /Erf is an operator that is not supported/);
  assert.equal(description.graph, undefined);
  await assert.rejects(describeModel('model.pb'), {
    code: 'MODEL',
    message: /received "\.pb"\. TensorFlow files are not read: export the model to ONNX/,
  });
});

test('a card is described with its fingerprint', async () => {
  const description = await describeModel(randomCard);
  assert.equal(description.format, 'random');
  assert.match(description.fingerprint ?? '', /^[0-9a-f]{32}$/);
  assert.equal(description.operators.concat, 8);
});

test('the ImageNet SqueezeNet is a source', { skip: skipWithout(WEIGHTS) }, async () => {
  const imagenet = card({
    architecture: 'squeezenet1_1',
    file: 'features.safetensors',
    sha256: 'e5781aeab8fa0a66c73cae051bc4c78a8ea701b3da136712b33728d0385bbf7d',
    input: {
      size: 224,
      channels: 3,
      order: 'BGR',
      scale: 1,
      mean: [103.939, 116.779, 123.68],
      std: [1, 1, 1],
    },
  });
  const path = sharedPath(WEIGHTS) ?? '';
  const model = await loadModel(imagenet, { folder: path });
  assert.deepEqual(findCut(model.graph, 'pooled').shape, [512]);
  assert.match(model.notes.join('\n'), /50 tensors of the file are used\nthe classifier was dropped/);
  const description = await describeModel(join(path, 'features.safetensors'));
  assert.equal(description.tensors?.length, 50);
});

function nudged(parameters: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>) {
  const [name = '', first] = [...parameters][0] ?? [];
  assert.ok(first !== undefined);
  const data = first.data.slice();
  data[0] = (data[0] ?? 0) + 1e-3;
  return new Map([...parameters, [name, { shape: first.shape, data }]]);
}

function withOtherEpsilon<T extends { op: string }>(node: T): T {
  return node.op === 'batch-norm' ? { ...node, epsilon: 0.5 } : node;
}
