import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AveragePool, Conv2d, Graph } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countMultiplyAdds } from '../../src/model/shapes.js';
import { poolBeforePointwise } from '../../src/model/simplify.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const folder = fileURLToPath(new URL('golden/networks/', import.meta.url));

test('a DenseNet whose transitions pool first gives the same PyTorch logits with fewer multiplications', async () => {
  const graph = await readOnnx(`${folder}densenet.onnx`);
  const { channels, size, activations } = JSON.parse(readFileSync(`${folder}densenet.json`, 'utf8'));
  const pooledFirst = poolBeforePointwise(graph);
  const shape = [2, channels, size, size];
  const { values } = await runOnnx(writeOnnx(pooledFirst), waves(shape), shape);
  assert.ok(largestDifference(values, activations.logits.values) < 1e-4);
  assert.equal(pooledFirst.nodes.length, graph.nodes.length);
  assert.ok(countMultiplyAdds(pooledFirst) < countMultiplyAdds(graph));
});

const convolution: Conv2d = {
  op: 'conv2d',
  name: 'conv',
  inputs: ['x'],
  output: 'c',
  weight: 'w',
  bias: 'b',
  stride: [1, 1],
  dilation: [1, 1],
  padding: [0, 0, 0, 0],
  groups: 1,
};
const pool: AveragePool = {
  op: 'average-pool',
  name: 'pool',
  inputs: ['c'],
  output: 'y',
  kernel: [2, 2],
  stride: [2, 2],
  padding: [0, 0, 0, 0],
  ceilMode: false,
  countIncludesPadding: false,
};

function graphOf(
  conv: Partial<Conv2d>,
  pooling: Partial<AveragePool>,
  extra: Partial<Graph> = {},
  kernel = 1,
): Graph {
  const weights = Float32Array.from({ length: 4 * 3 * kernel * kernel }, (_, index) => Math.cos(index));
  return {
    name: 'two',
    input: 'x',
    inputShape: [3, 6, 6],
    output: 'y',
    nodes: [
      { ...convolution, ...conv },
      { ...pool, ...pooling },
    ],
    parameters: new Map([
      ['w', { shape: [4, 3, kernel, kernel], data: weights }],
      ['b', { shape: [4], data: Float32Array.of(1, -2, 3, 0.5) }],
    ]),
    ...extra,
  };
}

test('a 1×1 convolution with bias and an average pool change places: same numbers, a quarter of the multiplications', async () => {
  const graph = graphOf({}, {});
  const changed = poolBeforePointwise(graph);
  assert.deepEqual(
    changed.nodes.map(({ op }) => op),
    ['average-pool', 'conv2d'],
  );
  const input = waves([2, 3, 6, 6]);
  const before = await runOnnx(writeOnnx(graph), input, [2, 3, 6, 6]);
  const after = await runOnnx(writeOnnx(changed), input, [2, 3, 6, 6]);
  assert.deepEqual(after.shape, before.shape);
  assert.ok(largestDifference(after.values, before.values) < 1e-6);
  assert.equal(4 * countMultiplyAdds(changed), countMultiplyAdds(graph));
});

test('what would change the numbers is left alone: padding, ceiling, a wider kernel, a stride, another use of the map', () => {
  const ops = (graph: Graph) => poolBeforePointwise(graph).nodes.map(({ op }) => op);
  const kept = ['conv2d', 'average-pool'];
  assert.deepEqual(ops(graphOf({}, { padding: [1, 1, 1, 1], countIncludesPadding: true })), kept);
  assert.deepEqual(ops(graphOf({}, { ceilMode: true })), kept);
  assert.deepEqual(ops(graphOf({ padding: [1, 1, 1, 1] }, {}, {}, 3)), kept);
  assert.deepEqual(ops(graphOf({ stride: [2, 2] }, {})), kept);
  const twice = graphOf({}, {});
  const flatten = { op: 'flatten', name: 'f', inputs: ['c'], output: 'z' } as const;
  assert.deepEqual(ops({ ...twice, nodes: [...twice.nodes, flatten] }), [...kept, 'flatten']);
  assert.deepEqual(ops({ ...twice, output: 'c' }), kept);
});
