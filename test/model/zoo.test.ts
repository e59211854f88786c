import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findCuts } from '../../src/model/cut.js';
import type { Graph, Parameter } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countMultiplyAdds, countParameters } from '../../src/model/shapes.js';
import { findStages } from '../../src/model/stages.js';
import { matchWeights } from '../../src/model/weights/match.js';
import { readSafetensors } from '../../src/model/weights/safetensors.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const WEIGHTS = 'weights/squeezenet1_1_imagenet/features.safetensors';
/** Made by golden/squeezenet.py with PyTorch. */
const golden = JSON.parse(
  readFileSync(fileURLToPath(new URL('golden/squeezenet.json', import.meta.url)), 'utf8'),
) as { features: Record<string, number[]>; logits: number[]; parameters: number };

test('SqueezeNet 1.1 has the size that its authors give', () => {
  const graph = zooGraph('squeezenet1_1', { channels: 3, size: 224, classes: 1000, seed: 0 });
  assert.equal(countParameters(graph), 1_235_496);
  assert.ok(Math.abs(countMultiplyAdds(graph) / 1e6 - 349) < 3, String(countMultiplyAdds(graph)));
});

test('SqueezeNet 1.1: stages end after the poolings, features are the average before the classifier', () => {
  const graph = zooGraph('squeezenet1_1', { channels: 1, size: 64, classes: 14, seed: 0 });
  assert.deepEqual(
    findStages(graph).map(({ name, output, shape }) => [name, output, shape]),
    [
      ['stem', 'features.2', [64, 15, 15]],
      ['block1', 'features.5', [128, 7, 7]],
      ['block2', 'features.8', [256, 3, 3]],
      ['block3', 'features.12', [512, 3, 3]],
      ['head', 'flatten', [14]],
    ],
  );
  assert.deepEqual(findCuts(graph).at(-1), {
    name: 'pooled',
    tensor: 'features.12',
    shape: [512],
    stagesBefore: ['stem', 'block1', 'block2', 'block3'],
    appends: 'global-average-pool',
  });
  const features = zooGraph('squeezenet1_1', { channels: 1, size: 64, seed: 0 });
  assert.deepEqual(findCuts(features).at(-1)?.shape, [512]);
  assert.equal(findCuts(features).at(-1)?.tensor, 'flatten');
});

test('SqueezeNet 1.1: logits of a one-channel network equal PyTorch', async () => {
  const graph = zooGraph('squeezenet1_1', { channels: 1, size: 66, classes: 7, seed: 0 });
  assert.equal(countParameters(graph), golden.parameters);
  const filled = withWaves(graph);
  const { values } = await runOnnx(writeOnnx(filled), waves([1, 1, 66, 66]), [1, 1, 66, 66]);
  assert.ok(largestDifference(values, golden.logits) < 1e-4);
});

test('SqueezeNet 1.1: features of the ImageNet weights equal PyTorch', {
  skip: skipWithout(WEIGHTS),
}, async () => {
  const path = sharedPath(WEIGHTS) ?? '';
  for (const [size, expected] of Object.entries(golden.features)) {
    const empty = zooGraph('squeezenet1_1', { channels: 3, size: Number(size), seed: 0 });
    const { graph } = matchWeights(empty, await readSafetensors(path), path);
    const shape = [1, 3, Number(size), Number(size)];
    const input = waves(shape).map((value) => 120 * value);
    const { values } = await runOnnx(writeOnnx(graph), input, shape);
    assert.ok(largestDifference(values, expected) < 1e-4, size);
  }
});

test('random weights follow the seed, and have the variance 2 / fan-in', () => {
  const weights = (seed: number) => zooGraph('squeezenet1_1', { channels: 3, size: 64, seed }).parameters;
  const name = 'features.12.expand3x3.weight';
  const data = weights(5).get(name)?.data ?? new Float32Array();
  assert.deepEqual(weights(5).get(name)?.data, data);
  assert.notDeepEqual(weights(6).get(name)?.data, data);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
  assert.ok(Math.abs(mean) < 5e-4);
  assert.ok(Math.abs(variance / (2 / (64 * 9)) - 1) < 0.01);
  assert.ok(
    weights(5)
      .get('features.0.bias')
      ?.data.every((value) => value === 0),
  );
});

test('an unknown architecture and an impossible size are refused', () => {
  assert.throws(() => zooGraph('resnet9000', { channels: 3, size: 64, seed: 0 }), {
    code: 'MODEL',
    message: /no architecture "resnet9000".*squeezenet1_1/,
  });
  assert.throws(() => zooGraph('toString', { channels: 3, size: 64, seed: 0 }), { code: 'MODEL' });
  assert.throws(() => zooGraph('squeezenet1_1', { channels: 3, size: 4, seed: 0 }), {
    code: 'MODEL',
    message: /features\.2: max-pool expects an input of at least its window of 3 pixels/,
  });
});

/** The formula of golden/squeezenet.py. */
function withWaves(graph: Graph): Graph {
  const names = [...graph.parameters.keys()].sort();
  const parameters = new Map<string, Parameter>();
  names.forEach((name, k) => {
    const { shape, data } = graph.parameters.get(name) as Parameter;
    const fanIn = shape.slice(1).reduce((product, length) => product * length, 1);
    const scale = shape.length > 1 ? Math.sqrt(2 / fanIn) : 0.1;
    parameters.set(name, {
      shape,
      data: Float32Array.from(data, (_, index) => scale * Math.sin(0.61 * index + k)),
    });
  });
  return { ...graph, parameters };
}

test('resnet20: logits of weights in the order of published files equal PyTorch', async () => {
  const file = fileURLToPath(new URL('golden/cifar-resnet20.json', import.meta.url));
  const logits = JSON.parse(readFileSync(file, 'utf8')) as number[];
  const graph = zooGraph('resnet20', { channels: 3, size: 32, classes: 10, seed: null });
  const tensors = new Map<string, Parameter>();
  [...graph.parameters.keys()].sort().forEach((name, k) => {
    const { shape, data } = graph.parameters.get(name) as Parameter;
    const scale = Math.sqrt(2 / shape.slice(1).reduce((product, length) => product * length, 1));
    const around = (wave: number) => {
      if (shape.length > 1) return scale * wave;
      return /running_var$|bn\d\.weight$/.test(name) ? 1 + wave / 2 : 0.1 * wave;
    };
    const values = Float32Array.from(data, (_, index) => around(Math.sin(0.61 * index + k)));
    tensors.set(name, { shape, data: values });
  });
  const { graph: filled } = matchWeights(graph, tensors, 'formula');
  const shape = [2, 3, 32, 32];
  const { values } = await runOnnx(writeOnnx(filled), waves(shape), shape);
  assert.ok(largestDifference(values, logits) < 1e-4);
});
