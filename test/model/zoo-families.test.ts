import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { philox } from '../../src/base/random.js';
import { findCuts } from '../../src/model/cut.js';
import type { Graph, Parameter, Shape } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countMultiplyAdds, countParameters, product } from '../../src/model/shapes.js';
import { findStages } from '../../src/model/stages.js';
import { densenet, densenetBC } from '../../src/model/zoo/densenet.js';
import { zooGraph, zooNames } from '../../src/model/zoo/index.js';
import { cifarResNet, resnet } from '../../src/model/zoo/resnet.js';
import { largestDifference, runOnnx } from './run-onnx.js';

/** Parameters, and billions of multiply-adds at 224 × 224, as torchvision's documentation lists them for 1000 classes. */
const PUBLISHED: Record<string, readonly [number, number]> = {
  densenet121: [7_978_856, 2.83],
  densenet161: [28_681_000, 7.73],
  densenet169: [14_149_480, 3.36],
  densenet201: [20_013_928, 4.29],
  resnet18: [11_689_512, 1.81],
  resnet34: [21_797_672, 3.66],
  resnet50: [25_557_032, 4.09],
  resnet101: [44_549_160, 7.8],
  resnet152: [60_192_808, 11.51],
};

/** The sizes that the cuts of a network for 1000 classes have at 224 × 224: [channels, height, width], [features]. */
const CUTS: Record<string, readonly Shape[]> = {
  densenet121: [[64, 56, 56], [256, 56, 56], [512, 28, 28], [1024, 14, 14], [1024, 7, 7], [1024]],
  densenet161: [[96, 56, 56], [384, 56, 56], [768, 28, 28], [2112, 14, 14], [2208, 7, 7], [2208]],
  resnet18: [[64, 56, 56], [64, 56, 56], [128, 28, 28], [256, 14, 14], [512, 7, 7], [512]],
  resnet50: [[64, 56, 56], [256, 56, 56], [512, 28, 28], [1024, 14, 14], [2048, 7, 7], [2048]],
};

const imagenet = (name: string) => zooGraph(name, { channels: 3, size: 224, classes: 1000, seed: null });

for (const [name, [parameters, multiplyAdds]] of Object.entries(PUBLISHED)) {
  test(`${name} has the size that torchvision gives`, () => {
    const graph = imagenet(name);
    assert.equal(countParameters(graph), parameters);
    assert.equal(Math.round(countMultiplyAdds(graph) / 1e7) / 100, multiplyAdds);
  });
}

test('the architectures are known by torchvision names', () => {
  assert.deepEqual(zooNames().toSorted(), [...Object.keys(PUBLISHED), 'squeezenet1_1'].toSorted());
});

for (const [name, shapes] of Object.entries(CUTS)) {
  test(`${name}: stem, four blocks and head are found, and can be cut`, () => {
    const cuts = findCuts(imagenet(name));
    const names = ['stem', 'block1', 'block2', 'block3', 'block4'];
    assert.deepEqual(
      cuts.map((cut) => [cut.name, cut.shape, cut.appends]),
      [...names, 'pooled'].map((cut, index) => [cut, shapes[index], 'nothing']),
    );
    assert.deepEqual(
      findStages(imagenet(name)).map((stage) => stage.name),
      [...names, 'head'],
    );
  });
}

test('DenseNet: a transition belongs to the block behind it, norm5 and its ReLU to the last one', () => {
  const stages = findStages(imagenet('densenet121'));
  const [, first, second, , last, head] = stages.map(({ nodes }) => nodes.map((node) => node.name));
  assert.equal(first?.at(-1), 'features.denseblock1');
  assert.deepEqual(
    second?.slice(0, 4),
    ['norm', 'relu', 'conv', 'pool'].map((layer) => `features.transition1.${layer}`),
  );
  assert.deepEqual(last?.slice(-2), ['features.norm5', 'relu']);
  assert.deepEqual(head, ['average', 'flatten', 'classifier']);
});

test('ResNet: a bottleneck that halves the map does it in its 3 × 3 convolution', () => {
  const { nodes } = imagenet('resnet50');
  const strides = nodes.flatMap((node) =>
    node.op === 'conv2d' && node.name.startsWith('layer2.0') ? [[node.name, node.stride[0]]] : [],
  );
  assert.deepEqual(strides, [
    ['layer2.0.conv1', 1],
    ['layer2.0.conv2', 2],
    ['layer2.0.conv3', 1],
    ['layer2.0.downsample.0', 2],
  ]);
});

test('one channel, other sizes, no classifier', () => {
  for (const name of ['densenet121', 'resnet18']) {
    const graph = zooGraph(name, { channels: 1, size: 96, seed: null });
    const published = PUBLISHED[name]?.[0] ?? 0;
    const features = name === 'densenet121' ? 1024 : 512;
    const stemWeights = 2 * 64 * 49;
    assert.equal(countParameters(graph), published - stemWeights - 1000 * (features + 1));
    assert.equal(graph.output, 'flatten');
    assert.deepEqual(findCuts(graph).at(-1)?.shape, [features]);
  }
  assert.throws(() => zooGraph('densenet121', { channels: 3, size: 16, seed: null }), {
    code: 'MODEL',
    message: /features\.transition3\.pool: average-pool expects an input of at least its window/,
  });
});

test('small networks for 32 × 32 images have the sizes of their papers', () => {
  const options = { channels: 3, size: 32, classes: 10, seed: null } as const;
  // Huang et al., table 2: DenseNet-BC (k = 12), depth 100: 0.8 million; exactly as in the authors' PyTorch code.
  const dense = densenet('bc', densenetBC({ depth: 100, growth: 12, compression: 0.5 }), options);
  assert.equal(countParameters(dense), 769_162);
  // He et al., table 6: 0.27 and 0.85 million with shortcuts that have no parameters; here two of them are convolutions.
  const projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64;
  for (const [depth, parameters] of [
    [20, 269_722],
    [56, 853_018],
  ] as const)
    assert.equal(countParameters(resnet('r', cifarResNet(depth), options)), parameters + projections);
  for (const graph of [dense, resnet('r', cifarResNet(20), options)]) {
    const stages = findStages(graph).map(({ name, shape }) => [name, shape[1]]);
    const maps = [32, 32, 16, 8, undefined];
    assert.deepEqual(
      stages,
      ['stem', 'block1', 'block2', 'block3', 'head'].map((name, index) => [name, maps[index]]),
    );
  }
});

test('initial weights are torchvision’s: fan-in for DenseNet, fan-out for ResNet, batch norm 1 and 0', () => {
  const dense = zooGraph('densenet121', { channels: 3, size: 64, classes: 14, seed: 3 });
  const residual = zooGraph('resnet18', { channels: 3, size: 64, classes: 14, seed: 3 });
  expectNormal(dense, 'features.denseblock2.denselayer1.conv2.weight', 2 / (128 * 9));
  expectNormal(dense, 'features.transition3.conv.weight', 2 / 1024);
  expectNormal(residual, 'layer2.0.conv1.weight', 2 / (128 * 9));
  expectNormal(residual, 'layer4.0.downsample.0.weight', 2 / 512);
  expectUniform(dense, 'classifier.weight', 1 / 32);
  expectUniform(residual, 'fc.weight', 1 / Math.sqrt(512));
  assert.ok(valuesOf(dense, 'classifier.bias').every((value) => value === 0));
  assert.ok(valuesOf(residual, 'fc.bias').every((value) => Math.abs(value) < 1 / Math.sqrt(512)));
  assert.equal(new Set(valuesOf(residual, 'fc.bias')).size, 14);
  for (const [suffix, value] of Object.entries({ weight: 1, bias: 0, running_mean: 0, running_var: 1 }))
    assert.ok(valuesOf(dense, `features.norm5.${suffix}`).every((number) => number === value));
  const other = zooGraph('resnet18', { channels: 3, size: 64, classes: 14, seed: 4 });
  assert.notDeepEqual(valuesOf(other, 'conv1.weight'), valuesOf(residual, 'conv1.weight'));
});

/**
 * Files of the engine's tests (native/test/golden/networks.py): names and shapes of a PyTorch network's parameters, and
 * its logits with weights and images of a formula, computed in double precision.
 */
for (const name of ['densenet121', 'resnet50']) {
  test(`${name}: parameters and logits equal PyTorch`, async () => {
    const { seed, shape, outputs, parameters, logits } = readGolden(name);
    const graph = zooGraph(name, { channels: 3, size: shape[2] ?? 0, classes: outputs, seed: null });
    assert.deepEqual(
      [...graph.parameters].map(([key, parameter]) => [key, [...parameter.shape]]),
      parameters,
    );
    const filled = { ...graph, parameters: hashed(graph, seed) };
    const pixels = Float32Array.from(
      uniforms(product(shape), seed, 101, 0),
      (u) => Math.sqrt(3) * (2 * u - 1),
    );
    const { values } = await runOnnx(writeOnnx(filled, { batch: shape[0] ?? 0 }), pixels, shape);
    assert.ok(largestDifference(values, logits) < 1e-5);
  });
}

function readGolden(name: string) {
  const file = new URL(`../../native/test/golden/${name}.txt`, import.meta.url);
  const lines = readFileSync(fileURLToPath(file), 'utf8').split('\n');
  const words = (start: string) =>
    lines
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .slice(1) ?? [];
  const [outputs = 0, ...shape] = words('shape ').map(Number).reverse();
  const first = lines.findIndex((line) => line.startsWith('parameters ')) + 1;
  const parameters = lines.slice(first, first + Number(words('parameters ')[0])).map((line) => {
    const [key = '', , ...lengths] = line.split(' ');
    return [key, lengths.map(Number)];
  });
  const pass = lines.indexOf('pass frozen');
  const logits = lines[lines.findIndex((line, at) => at > pass && line.startsWith('logits ')) + 1] ?? '';
  return {
    seed: Number(words('seed ')[0]),
    shape: shape.reverse(),
    outputs,
    parameters,
    logits: logits.split(' ').map(Number),
  };
}

/** The weights of networks.py. */
function hashed(graph: Graph, seed: number): Map<string, Parameter> {
  return new Map(
    [...graph.parameters].map(([name, { shape, data }], place) => {
      const fanIn = product(shape.slice(1));
      const value = (u: number) => {
        const v = 2 * u - 1;
        if (shape.length === 4) return v * Math.sqrt(3 / fanIn);
        if (shape.length === 2) return v / Math.sqrt(fanIn);
        if (name.endsWith('.weight') || name.endsWith('.running_var')) return 0.5 + u;
        if (name.endsWith('.running_mean')) return 0.1 * v;
        return v >= 0 ? v + 1 : v - 1;
      };
      return [name, { shape, data: Float32Array.from(uniforms(data.length, seed, 4, place), value) }];
    }),
  );
}

/** Numbers in [0, 1) of (seed, stream, substream). */
function uniforms(count: number, seed: number, stream: number, substream: number): Float64Array {
  const values = new Float64Array(count);
  for (let start = 0; start < count; start += 4) {
    const block = philox([start / 4, 0, substream, 0], [seed, stream]);
    for (let lane = 0; lane < Math.min(4, count - start); lane++)
      values[start + lane] = (block[lane] ?? 0) / 2 ** 32;
  }
  return values;
}

function valuesOf(graph: Graph, name: string): Float32Array {
  const data = graph.parameters.get(name)?.data;
  assert.ok(data !== undefined && data.length > 0, name);
  return data;
}

/** Moments of a normal distribution with mean 0: variance, and a fourth moment of 3 variance². */
function expectNormal(graph: Graph, name: string, variance: number): void {
  const values = valuesOf(graph, name);
  const moment = (power: number) =>
    values.reduce((sum, value) => sum + (value / Math.sqrt(variance)) ** power, 0) / values.length;
  const error = Math.sqrt(1 / values.length);
  assert.ok(Math.abs(moment(1)) < 4 * error, `${name}: mean`);
  assert.ok(Math.abs(moment(2) - 1) < 4 * Math.sqrt(2) * error, `${name}: variance ${moment(2)}`);
  assert.ok(Math.abs(moment(4) - 3) < 4 * Math.sqrt(96) * error, `${name}: fourth moment ${moment(4)}`);
}

/** Evenly spread in ±bound: within it, near its ends, and with the variance bound² / 3. */
function expectUniform(graph: Graph, name: string, bound: number): void {
  const values = valuesOf(graph, name);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(largest <= bound && largest > 0.99 * bound, `${name}: largest ${largest}`);
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  assert.ok(Math.abs((3 * variance) / bound ** 2 - 1) < 0.05, `${name}: variance ${variance}`);
}
