import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HeadBank } from '../../src/engine/head-bank.js';
import { withClassifier } from '../../src/model/classifier.js';
import { cutBeforeLastStage, prefixOf } from '../../src/model/cut.js';
import type { Graph } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countMultiplyAdds, product } from '../../src/model/shapes.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { bankOptions } from '../engine/bank.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const folder = fileURLToPath(new URL('golden/networks/', import.meta.url));
const OUTPUTS = 3;

function source(graph: Graph) {
  const [channels, size] = graph.inputShape as [1 | 3, number];
  const input = { size, channels, order: 'RGB', scale: 1, mean: [0], std: [1] } as const;
  return { graph, card: { name: 'own', pretraining: 'none', architecture: 'own', input } };
}

function optionsOf(graph: Graph, cut?: string) {
  return { size: graph.inputShape[1] as number, cut, outputs: OUTPUTS, dropout: 0, seed: 7 };
}

/** weight · x + bias in double precision, for features [rows × F]. */
function linear(features: Float32Array, weight: Float32Array, bias: Float32Array): number[] {
  const columns = weight.length / bias.length;
  return Array.from({ length: (features.length / columns) * bias.length }, (_, index) => {
    const [row, output] = [Math.floor(index / bias.length), index % bias.length];
    let sum = bias[output] as number;
    for (let column = 0; column < columns; column++) {
      sum += (features[row * columns + column] as number) * (weight[output * columns + column] as number);
    }
    return sum;
  });
}

for (const name of ['resnet', 'cifar-resnet', 'densenet', 'vgg', 'squeezenet']) {
  test(`${name}: a new classifier on the pooled features, from the image and from the last cut`, async () => {
    const graph = await readOnnx(`${folder}${name}.onnx`);
    const { graph: whole, stages } = withClassifier(source(graph), optionsOf(graph));
    const shape = [2, ...graph.inputShape];
    const image = waves(shape);
    const pooled = await runOnnx(writeOnnx(prefixOf(graph, 'pooled')), image, shape);
    const weight = whole.parameters.get(`${whole.output}.weight`)!;
    const bias = whole.parameters.get(`${whole.output}.bias`)!;
    assert.deepEqual([weight.shape, bias.shape], [[OUTPUTS, pooled.shape[1]], [OUTPUTS]]);
    const expected = linear(pooled.values, weight.data, bias.data);
    const logits = await runOnnx(writeOnnx(whole), image, shape);
    assert.ok(largestDifference(logits.values, expected) < 1e-4);

    const cut = cutBeforeLastStage(graph);
    const last = withClassifier(source(graph), optionsOf(graph, cut.name));
    assert.deepEqual(last.graph.inputShape, cut.shape);
    const names = stages.map((stage) => stage.name);
    assert.deepEqual(
      last.stages.map((stage) => stage.name),
      names.slice(-2),
    );
    assert.equal(names.at(-3), cut.name, 'the cut is named for the stage before it');
    const activations = await runOnnx(writeOnnx(prefixOf(graph, cut)), image, shape);
    const behind = await runOnnx(writeOnnx(last.graph), activations.values, activations.shape);
    assert.ok(largestDifference(behind.values, expected) < 1e-4);
  });
}

test('every node has one stage, in order, and no parameter of the old classifier is left', () => {
  const graph = zooGraph('densenet121', { channels: 3, size: 32, classes: 1000, seed: 1 });
  const made = withClassifier(source(graph), { ...optionsOf(graph), dropout: 0.2 });
  assert.deepEqual(
    made.stages.map(({ name }) => name),
    ['stem', 'block1', 'block2', 'block3', 'block4', 'head'],
  );
  const nodes = made.stages.flatMap((stage) => stage.nodes);
  assert.deepEqual(nodes, made.graph.nodes);
  assert.deepEqual(
    made.stages.at(-1)!.nodes.map(({ op }) => op),
    ['global-average-pool', 'flatten', 'dropout', 'linear'],
  );
  const classifier = OUTPUTS * (1024 + 1);
  const numbers = [...made.graph.parameters.values()].reduce((sum, { shape }) => sum + product(shape), 0);
  // 6,953,856 weights of torchvision's densenet121 without classifier, and 2 · 41,824 running statistics.
  assert.equal(numbers, 6_953_856 + 2 * 41_824 + classifier);
  // The transitions pool before their convolution.
  assert.ok(countMultiplyAdds(made.graph) < countMultiplyAdds(graph));
});

test('initial weights are those of a head bank of the same seed', () => {
  const graph = zooGraph('squeezenet1_1', { channels: 1, size: 32, seed: 1 });
  const { graph: made } = withClassifier(source(graph), { ...optionsOf(graph), seed: 11 });
  const size = { rows: 8, features: 512, outputs: OUTPUTS, heads: 12, epochs: 1 };
  const bank = HeadBank.create(bankOptions(size));
  const { weight, bias } = bank.weights(11, 'last');
  bank.dispose();
  assert.deepEqual(made.parameters.get(`${made.output}.weight`)!.data, weight);
  assert.deepEqual(made.parameters.get(`${made.output}.bias`)!.data, bias);
});

test('a backbone of one stage has no last stage to train alone', () => {
  const conv = { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], groups: 1 } as const;
  const graph: Graph = {
    name: 'single',
    input: 'x',
    inputShape: [1, 8, 8],
    output: 'p',
    nodes: [
      { op: 'conv2d', name: 'conv', inputs: ['x'], output: 'c', weight: 'w', ...conv },
      { op: 'relu', name: 'relu', inputs: ['c'], output: 'r' },
      { op: 'global-average-pool', name: 'pool', inputs: ['r'], output: 'p' },
    ],
    parameters: new Map([['w', { shape: [4, 1, 3, 3], data: new Float32Array(36) }]]),
  };
  assert.throws(() => cutBeforeLastStage(graph), {
    code: 'MODEL',
    message: /at least two stages.*received one \(stem\).*strategy: full/,
  });
  assert.deepEqual(
    withClassifier(source(graph), optionsOf(graph)).stages.map(({ name }) => name),
    ['stem', 'head'],
  );
});
