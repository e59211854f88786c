import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Network } from '../../src/engine/network.js';
import { withClassifier } from '../../src/model/classifier.js';
import { denseLayers } from '../../src/model/dense-dropout.js';
import type { Graph, Node, Parameter } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { loadModel, readCard } from '../../src/model/registry.js';
import { trainedGraph } from '../../src/model/trained.js';
import { densenet } from '../../src/model/zoo/densenet.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { fileOf } from '../engine/bank.js';

/** Made by golden/dense_dropout.py with PyTorch. */
const golden = JSON.parse(readFileSync(new URL('golden/dense_dropout.json', import.meta.url), 'utf8')) as {
  readonly seed: number;
  readonly rate: number;
  readonly headRate: number;
  readonly batch: number;
  readonly rows: number;
  readonly side: number;
  readonly outputs: number;
  readonly layout: Parameters<typeof densenet>[1];
  readonly nodes: readonly string[];
  readonly losses: readonly number[];
  readonly sketches: Readonly<Record<string, readonly [number, number]>>;
};

const zoo = (name: string, size = 64) => zooGraph(name, { channels: 3, size, seed: 0 });
const sourceOf = (graph: Graph) => {
  const [channels, size] = graph.inputShape as [1 | 3, number];
  const input = { size, channels, order: 'RGB', scale: 1, mean: [0], std: [1] } as const;
  return { graph, card: { name: graph.name, pretraining: 'none', architecture: 'any', input } as const };
};
const options = { size: 64, outputs: 3, dropout: 0.5, seed: 1 } as const;

test('the layers of DenseNet-121 are its 58, none of the convolutions around them', () => {
  const layers = [...denseLayers(zoo('densenet121'))];
  const expected = [6, 12, 24, 16].flatMap((count, block) =>
    Array.from(
      { length: count },
      (_, index) => `features.denseblock${block + 1}.denselayer${index + 1}.conv2`,
    ),
  );
  assert.equal(layers.length, 58);
  assert.deepEqual(layers.toSorted(), expected.toSorted());
});

test('so are those of a graph that was read from a file, of one for CIFAR, and of one that joins two by two', async () => {
  const card = await readCard(fileURLToPath(new URL('../../models/densenet-chest.json', import.meta.url)));
  const { graph } = await loadModel(card, {
    folder: dirname(fileURLToPath(new URL('../../models/densenet-chest.json', import.meta.url))),
  });
  const convolutions = graph.nodes.filter(({ op }) => op === 'conv2d').length;
  const layers = denseLayers(graph);
  // A convolution before the blocks, two a layer, one between blocks.
  assert.ok(layers.size > 0);
  assert.ok(convolutions - 2 * layers.size >= 1 && convolutions - 2 * layers.size <= 4, `${layers.size}`);
  // As Keras has it: each concatenation takes the one before and a new convolution.
  const conv = (name: string, input: string): Node => ({
    op: 'conv2d',
    name,
    inputs: [input],
    output: name,
    weight: `${name}.weight`,
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
  });
  const concat = (name: string, ...inputs: string[]): Node => ({ op: 'concat', name, inputs, output: name });
  const relu = (name: string, input: string): Node => ({ op: 'relu', name, inputs: [input], output: name });
  const chain = [
    conv('stem', 'image'),
    relu('r1', 'stem'),
    conv('a', 'r1'),
    concat('ab', 'stem', 'a'),
    relu('r2', 'ab'),
    conv('b', 'r2'),
    concat('abc', 'ab', 'b'),
  ];
  assert.deepEqual([...denseLayers({ nodes: chain })], ['a', 'b']);
  // Side by side is not dense: neither was made from the other.
  const fire = [
    conv('squeeze', 'image'),
    conv('one', 'squeeze'),
    conv('three', 'squeeze'),
    concat('both', 'one', 'three'),
  ];
  assert.deepEqual([...denseLayers({ nodes: fire })], []);
});

test('a source without dense blocks refuses it by name', () => {
  for (const name of ['squeezenet1_1', 'resnet18', 'resnet20']) {
    assert.deepEqual(denseLayers(zoo(name)), new Set());
    assert.throws(() => withClassifier(sourceOf(zoo(name)), { ...options, denseDropout: 0.2 }), {
      code: 'CONFIG',
      message: new RegExp(`denseDropout.*dense connections.*received ${name} without`),
    });
  }
});

test('each layer is followed by dropout in its stage; a part behind a cut has what the whole has there', () => {
  const source = sourceOf(zoo('densenet121'));
  const plain = withClassifier(source, options);
  const whole = withClassifier(source, { ...options, denseDropout: 0.2 });
  const isNew = ({ name }: Node) => name.endsWith('.conv2.dropout');
  assert.equal(whole.graph.nodes.filter(isNew).length, 58);
  assert.deepEqual(
    whole.stages.map(({ nodes }) => nodes.filter(isNew).length),
    [0, 6, 12, 24, 16, 0],
  );
  assert.deepEqual(
    whole.stages.flatMap(({ nodes }) => nodes),
    whole.graph.nodes,
  );
  assert.deepEqual(
    whole.stages.map(({ nodes }) => nodes.filter((node) => !isNew(node)).map(({ name }) => name)),
    plain.stages.map(({ nodes }) => nodes.map(({ name }) => name)),
  );
  for (const [index, node] of whole.graph.nodes.entries()) {
    if (!isNew(node)) continue;
    assert.equal(node.op === 'dropout' && node.rate, 0.2);
    assert.deepEqual(node.inputs, [whole.graph.nodes[index - 1]!.output]);
    const readers = whole.graph.nodes.filter(({ inputs }) => inputs.includes(node.inputs[0]!));
    assert.deepEqual(readers, [node], 'all others read what is left');
  }
  for (const [cut, count] of [
    ['stem', 58],
    ['block3', 16],
    ['pooled', 0],
  ] as const) {
    const part = withClassifier(source, { ...options, cut, denseDropout: 0.2 });
    assert.equal(part.graph.nodes.filter(isNew).length, count);
    // What counts is the place from the end, by which the engine draws.
    assert.deepEqual(
      part.graph.nodes.map(({ name }) => name),
      whole.graph.nodes.slice(-part.graph.nodes.length).map(({ name }) => name),
    );
  }
});

test('what is exported has none of it', () => {
  const source = sourceOf(zoo('densenet121'));
  const { parameters } = withClassifier(source, { ...options, denseDropout: 0.2 }).graph;
  const weights = new Map([...parameters].map(([name, { data }]) => [name, data]));
  const exported = trainedGraph(
    source,
    { kind: 'network', parameters: weights },
    { ...options, cut: 'none' },
  );
  assert.deepEqual(exported.nodes, withClassifier(source, { ...options, dropout: 0 }).graph.nodes);
  assert.ok(exported.nodes.every(({ op }) => op !== 'dropout'));
  assert.ok(writeOnnx(exported).length > 4 * 6.9e6);
});

/** The formula of golden/dense_dropout.py. */
function withSines(graph: Graph): Graph {
  const parameters = new Map<string, Parameter>();
  for (const [k, name] of [...graph.parameters.keys()].sort().entries()) {
    const { shape, data } = graph.parameters.get(name)!;
    const fanIn = shape.slice(1).reduce((product, length) => product * length, 1);
    const ofNorm = name.includes('norm') && !/\.bias$|_mean$/.test(name);
    const scaled = (wave: number) =>
      shape.length > 1 ? wave * Math.sqrt(2 / fanIn) : ofNorm ? 1 + 0.3 * wave : 0.1 * wave;
    parameters.set(name, {
      shape,
      data: Float32Array.from(data, (_, index) => scaled(Math.sin(0.61 * index + k))),
    });
  }
  return { ...graph, parameters };
}

for (const memory of ['lean', 'fast'] as const) {
  test(`training equals PyTorch's with the same masks, memory ${memory}`, async () => {
    const { rows, side, outputs, batch, losses: expected } = golden;
    const source = sourceOf(densenet('tiny', golden.layout, { channels: 1, size: side, seed: 0 }));
    const made = withClassifier(source, {
      size: side,
      outputs,
      dropout: golden.headRate,
      denseDropout: golden.rate,
      seed: 0,
    });
    assert.deepEqual(
      made.graph.nodes.map(({ name }) => name),
      golden.nodes,
    );
    const pixels = Float32Array.from({ length: rows * side * side }, (_, i) => Math.sin(0.37 * i));
    await using network = Network.create({
      graph: withSines(made.graph),
      stages: made.stages,
      input: {
        kind: 'features',
        features: { path: fileOf(pixels), rows, columns: side * side, dtype: 'float32' },
        shape: [1, side, side],
      },
      device: 'cpu',
      precision: 'fp32',
      threads: 2,
      winograd: true,
      batch,
      loss: 'bce',
      optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, beta2: 0, epsilon: 0 },
      normModes: made.stages.map(() => 'batch' as const),
      weightDecay: 0,
      decayAll: false,
      clipNorm: 0,
      memory,
      seed: golden.seed,
    });
    const steps = expected.length;
    const stages = made.stages.length;
    const { losses } = await network.train({
      order: Uint32Array.from({ length: steps * batch }, (_, i) => i % rows),
      targets: Float32Array.from({ length: rows * outputs }, (_, i) => Number((i * 7) % 3 === 0)),
      learningRates: new Float32Array(steps * stages).fill(0.05),
      trainedStages: new Uint32Array(steps).fill(2 ** stages - 1),
      epoch: 0,
    });
    for (const [step, loss] of expected.entries())
      assert.ok(Math.abs(losses[step]! - loss) < 1e-5, `step ${step}: ${losses[step]} and ${loss}`);
    for (const [name, [norm, projection]] of Object.entries(golden.sketches)) {
      const values = network.read(name);
      const ownNorm = Math.hypot(...values);
      const ownProjection = values.reduce((sum, value, i) => sum + value * Math.sin(0.9 * i + 1), 0);
      assert.ok(Math.abs(ownNorm - norm) < 1e-4 * Math.max(1, norm), `${name}: ${ownNorm} and ${norm}`);
      assert.ok(
        Math.abs(ownProjection - projection) < 1e-4 * Math.max(1, norm),
        `${name}: ${ownProjection} and ${projection}`,
      );
    }
  });
}
