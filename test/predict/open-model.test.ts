import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import type { Graph } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { type ExportedModel, exportedMetadata } from '../../src/predict/exported-model.js';
import { ImageNetwork } from '../../src/predict/network.js';
import { type OpenModelOptions, openModel } from '../../src/predict/open-model.js';
import { predictImages, probabilitiesOf } from '../../src/predict/predict.js';
import { tableHeader, tableRow } from '../../src/predict/table.js';
import { temporaryFolder } from '../image/fixtures.js';
import { encodePng } from '../image/png.js';
import { largestDifference, runOnnx } from '../model/run-onnx.js';

const pooled = fileURLToPath(new URL('golden/pooled.onnx', import.meta.url));
const SIZE = 16;
const input = { channels: 1, order: 'RGB', scale: 0.01, mean: [0.5], std: [0.25] } as const;
const session = { device: 'cpu', threads: 1 } as const;

const exported: ExportedModel = {
  format: 1,
  kind: 'multiclass',
  task: 'kind',
  labels: ['well', 'ill', 'odd, rare'],
  thresholds: [null, 0.5, null],
  images: { size: SIZE, geometry: 'fill', channels: 1 },
  input,
  augment: NO_AUGMENT,
  views: ['identity'],
  provenance: {
    run: 'made',
    trial: 'abc',
    spec: {},
    trainImages: 1,
    trainPatients: 1,
    validationAuroc: null,
    testAuroc: 0.5,
    source: { name: 's', pretraining: 'none', architecture: 'none' },
    thaw: '0',
  },
};

async function writeModel(t: TestContext, changes: object = {}, graph?: Graph): Promise<string> {
  const path = join(await temporaryFolder(t), 'm.onnx');
  const metadata = exportedMetadata({ ...exported, ...changes });
  writeFileSync(path, writeOnnx(graph ?? (await readOnnx(pooled)), { metadata }));
  return path;
}

/** A card beside a copy of the golden network. */
async function writeCard(
  t: TestContext,
  graph?: Graph,
  more: object = {},
): Promise<{ card: string; onnx: string }> {
  const folder = await temporaryFolder(t);
  const onnx = join(folder, 'net.onnx');
  if (graph === undefined) copyFileSync(pooled, onnx);
  else writeFileSync(onnx, writeOnnx(graph));
  const card = join(folder, 'net.json');
  const fields = { name: 'net', pretraining: 'none', architecture: 'none', file: 'net.onnx' };
  writeFileSync(card, JSON.stringify({ ...fields, input: { size: SIZE, ...input }, ...more }));
  return { card, onnx };
}

async function activated(op: 'sigmoid' | 'softmax'): Promise<Graph> {
  const graph = await readOnnx(pooled);
  const last = { name: 'last', inputs: [graph.output], output: 'last' };
  const node = op === 'softmax' ? ({ ...last, op, axis: 1 } as const) : ({ ...last, op } as const);
  return { ...graph, output: 'last', nodes: [...graph.nodes, node] };
}

const fails = (path: string, message: RegExp, options?: OpenModelOptions) =>
  assert.rejects(openModel(path, options), { message });

test('what an exported model says is taken, and checked', async (t) => {
  const model = await openModel(await writeModel(t));
  assert.deepEqual(model.exported, exported);
  assert.equal(model.graph.nodes.length, (await readOnnx(pooled)).nodes.length);
  await fails(
    await writeModel(t, { labels: ['one', 'two'] }),
    /expected 2 outputs, one a label, received \[3\]/,
  );
  await fails(
    await writeModel(t, { format: 2 }),
    /m\.onnx: the metadata "thaw" cannot be read: .*format.*Export the trial again/,
  );
  await fails(await writeModel(t, { views: [] }), /cannot be read: .*views/);
  await fails(
    await writeModel(t, { input: { ...input, mean: [1, 2, 3] } }),
    /expected one mean and std a channel/,
  );
  await fails(pooled, /pooled\.onnx: says nothing about how it wants its pixels.*model card/);
  await fails('weights.pth', /expected an \.onnx file or a model card \.json, received "\.pth"/);
});

test('a model with a card: activation, labels, the card beside the file', async (t) => {
  const { card, onnx } = await writeCard(t);
  await fails(card, /--kind.*nothing says how its outputs become probabilities/);
  const plain = await openModel(card, { kind: 'multilabel' });
  assert.deepEqual(plain.reading.labels, ['output0', 'output1', 'output2']);
  assert.equal((await openModel(onnx, { kind: 'multiclass' })).reading.kind, 'multiclass');
  for (const [op, kind] of [
    ['softmax', 'multiclass'],
    ['sigmoid', 'multilabel'],
  ] as const) {
    const own = await writeCard(t, await activated(op));
    const model = await openModel(own.card);
    assert.deepEqual([model.reading.kind, model.graph.output], [kind, plain.graph.output]);
    const other = kind === 'multiclass' ? 'multilabel' : 'multiclass';
    await fails(own.card, new RegExp(`expected ${kind}, as the network ends in a ${op}, received ${other}`), {
      kind: other,
    });
  }
  const labels = ['a', 'b', 'c'];
  const named = await writeCard(t, undefined, { labels });
  assert.deepEqual((await openModel(named.card, { kind: 'multilabel' })).reading.labels, labels);
  const few = await writeCard(t, undefined, { labels: ['a'] });
  await fails(few.card, /net\.json \(labels\): the card has 1 labels, the network 3 outputs/, {
    kind: 'multilabel',
  });
  const foreign = join(await temporaryFolder(t), 'other.onnx');
  copyFileSync(pooled, foreign);
  copyFileSync(card, foreign.replace('.onnx', '.json'));
  await fails(foreign, /other\.onnx: the card beside it, .*other\.json, is that of net\.onnx/);
});

test('a network that ends in features has nothing to predict', async (t) => {
  const graph = await readOnnx(pooled);
  const last = graph.nodes.find(({ output }) => output === graph.output)!;
  const nodes = graph.nodes.filter((node) => node !== last);
  const { card } = await writeCard(t, { ...graph, output: last.inputs[0]!, nodes });
  await fails(card, /expected a network that ends in a classifier, received one that ends in features/, {
    kind: 'multilabel',
  });
});

test('predictions are those of the pixels; broken images and numbers have a reason, in their place', async (t) => {
  const folder = await temporaryFolder(t);
  const samples = Array.from({ length: 40 }, (_, image) =>
    Array.from({ length: SIZE * SIZE }, (_, pixel) => (pixel * (image + 3)) % 256),
  );
  const files = samples.map((grey, image) => {
    const path = join(folder, `${image}.png`);
    writeFileSync(path, encodePng({ width: SIZE, height: SIZE, colour: 'grey', depth: 8, samples: grey }));
    return path;
  });
  const broken = join(folder, 'broken.png');
  writeFileSync(broken, 'nothing');
  files.splice(17, 0, broken);
  const model = await openModel(await writeModel(t));
  await using network = await ImageNetwork.open(model, session);
  const predictions = [];
  for await (const one of predictImages(network, model.reading, files)) predictions.push(one);
  assert.deepEqual(
    predictions.map(({ file }) => file),
    files,
  );
  assert.deepEqual(predictions[17], {
    file: broken,
    error: 'the content is not an image of a known format, or it is truncated.',
  });
  predictions.splice(17, 1);
  const values: number[] = [];
  for (const grey of samples) {
    const pixels = Float32Array.from(grey, (pixel) => (pixel * 0.01 - 0.5) / 0.25);
    values.push(...(await runOnnx(pooled, pixels, [1, 1, SIZE, SIZE])).values);
  }
  const logits = predictions.flatMap((one) => ('logits' in one ? [...one.logits] : []));
  assert.ok(largestDifference(logits, values) < 1e-5);

  const [first] = predictions;
  assert.ok(first !== undefined && 'logits' in first);
  const odds = [...first.logits].map(Math.exp);
  const sum = odds.reduce((total, value) => total + value, 0);
  assert.ok(
    largestDifference(
      first.probabilities,
      odds.map((value) => value / sum),
    ) < 1e-6,
  );
  assert.ok(Math.abs(probabilitiesOf(Float32Array.of(2), 'binary')[0]! - 1 / (1 + Math.exp(-2))) < 1e-12);
  const table = { labels: exported.labels, logits: true };
  assert.equal(
    tableHeader(table),
    'file,well,ill,"odd, rare",logit:well,logit:ill,"logit:odd, rare",error\n',
  );
  assert.equal(tableRow({ file: broken, error: 'a, b' }, 'b.png', table), 'b.png,,,,,,,"a, b"\n');
  const cells = tableRow(first, '0.png', table).trim().split(',');
  assert.deepEqual(
    cells
      .slice(1, 4)
      .map(Number)
      .map((value) => value.toFixed(8)),
    first.probabilities.map((value) => value.toFixed(8)),
  );

  const graph = await readOnnx(pooled);
  const last = graph.nodes.find(({ output }) => output === graph.output)!;
  const bias = 'bias' in last ? (last.bias as string) : '';
  const huge = { shape: [3], data: Float32Array.of(0, Number.POSITIVE_INFINITY, 0) };
  const wild = { ...graph, parameters: new Map(graph.parameters).set(bias, huge) };
  await using other = await ImageNetwork.open(
    { graph: wild, reading: exported, file: 'm' },
    { ...session, extractor: 'onnxruntime' },
  );
  for await (const one of predictImages(other, exported, files.slice(0, 1)))
    assert.deepEqual(one, { file: files[0], error: 'the network gives Infinity.' });
});

test('a network that does not take the images is refused', async () => {
  const graph = await readOnnx(pooled);
  const colours = { ...exported, input: { ...input, channels: 3 as const, mean: [0, 0, 0], std: [1, 1, 1] } };
  await assert.rejects(ImageNetwork.open({ graph, reading: colours, file: 'm.onnx' }, session), {
    code: 'MODEL',
    message: /m\.onnx.*expected 3 channels, the network has 1/,
  });
  await assert.rejects(
    ImageNetwork.open({ graph, reading: exported, file: 'm.onnx' }, { ...session, device: 'cuda' }),
    {
      code: 'RUNTIME',
    },
  );
});
