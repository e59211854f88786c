import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/base/hash.js';
import { philox } from '../../src/base/random.js';
import { findCuts } from '../../src/model/cut.js';
import type { Graph, Parameter, Shape } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { countMultiplyAdds, countParameters, product } from '../../src/model/shapes.js';
import { findStages } from '../../src/model/stages.js';
import { publishedClasses, zooGraph, zooNames } from '../../src/model/zoo/index.js';
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

/** The networks of He et al. themselves: parameters as above, and billions of multiply-adds of their table 1. */
const PAPER: Record<string, readonly [number, number]> = {
  'resnet50-v1': [25_557_032, 3.8],
  'resnet101-v1': [44_549_160, 7.6],
  'resnet152-v1': [60_192_808, 11.3],
};

/**
 * Parameters of the ResNets for CIFAR-10: 0.27, 0.46, 0.66, 0.85 and 1.7 million in table 6 of He et al.; those of PyTorch for
 * the published files (golden/pth/cifar.json), and of the same sum for 110.
 */
const SMALL: Record<string, number> = {
  resnet20: 269_722,
  resnet32: 464_154,
  resnet44: 658_586,
  resnet56: 853_018,
  resnet110: 1_727_962,
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

for (const [name, [parameters, multiplyAdds]] of Object.entries(PAPER)) {
  test(`${name} has the size that its paper gives, and halves the map in the first convolution of a block`, () => {
    const graph = imagenet(name);
    assert.equal(countParameters(graph), parameters);
    assert.ok(Math.abs(countMultiplyAdds(graph) / 1e9 - multiplyAdds) < 0.06);
    const strides = graph.nodes.flatMap((node) =>
      node.op === 'conv2d' && node.name.startsWith('layer3.0') ? [node.stride[0]] : [],
    );
    assert.deepEqual(strides, [2, 1, 1, 2]);
  });
}

test('the architectures are known by torchvision names, and those for CIFAR by their depth', () => {
  const names = [PUBLISHED, PAPER, SMALL].flatMap(Object.keys).concat('squeezenet1_1');
  assert.deepEqual(zooNames().toSorted(), names.toSorted());
});

test('the table of docs/models.md has the networks and their sizes', () => {
  const docs = readFileSync(fileURLToPath(new URL('../../docs/models.md', import.meta.url)), 'utf8');
  const rows = [...docs.matchAll(/^\| `([^`]+)` \| ([\d,]+) \| ([\d,.]+) \| (\d+), (\d+) \|$/gm)];
  const names = rows.map(([, name = '']) => name);
  assert.deepEqual(names.filter((name) => !name.includes('(')).toSorted(), zooNames().toSorted());
  for (const [, name = '', parameters = '', multiplyAdds = '', size, classes] of rows) {
    const graph = zooGraph(name, { channels: 3, size: Number(size), classes: Number(classes), seed: null });
    assert.equal(Number(parameters.replaceAll(',', '')), countParameters(graph), name);
    const millions = Math.round(countMultiplyAdds(graph) / 1e5) / 10;
    assert.equal(Number(multiplyAdds.replaceAll(',', '')), millions, name);
    assert.equal(Number(classes), publishedClasses(name), name);
  }
});

test('tensors have the names, shapes and order of torchvision’s state dicts', () => {
  const file = fileURLToPath(new URL('golden/published-names.json', import.meta.url));
  const published = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    { parameters: number; tensors: number; sha256: string }
  >;
  assert.deepEqual(
    Object.keys(published).toSorted(),
    [...Object.keys(PUBLISHED), 'squeezenet1_1'].toSorted(),
  );
  for (const [name, expected] of Object.entries(published)) {
    const graph = imagenet(name);
    const lines = [...graph.parameters].map(([key, { shape }]) => `${key} ${shape.join(',')}\n`);
    assert.equal(lines.length, expected.tensors, name);
    assert.equal(sha256(lines.join('')), expected.sha256, name);
    assert.equal(countParameters(graph), expected.parameters, name);
  }
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
  const dense = zooGraph('densenet-bc(100,12,0.5)', options);
  assert.equal(countParameters(dense), 769_162);
  for (const [name, parameters] of Object.entries(SMALL))
    assert.equal(countParameters(zooGraph(name, options)), parameters, name);
  for (const graph of [dense, zooGraph('resnet20', options), zooGraph('resnet(16,[2,2,2])', options)]) {
    const stages = findStages(graph).map(({ name, shape }) => [name, shape[1]]);
    const maps = [32, 32, 16, 8, undefined];
    assert.deepEqual(
      stages,
      ['stem', 'block1', 'block2', 'block3', 'head'].map((name, index) => [name, maps[index]]),
    );
  }
});

test('small members are what their names say, for one or three channels and any size', () => {
  const options = { channels: 1, size: 28, classes: 4, seed: 1 } as const;
  const residual = zooGraph(' resnet( 8, [1, 2] )', options);
  assert.equal(residual.name, 'resnet(8,[1,2])');
  // Stem, one block of 8, two of 16 of which the first has a projection, classifier.
  const norm = (channels: number) => 2 * channels;
  const block = (from: number, to: number) => 9 * from * to + 9 * to * to + 2 * norm(to);
  const expected = 9 * 8 + norm(8) + block(8, 8) + block(8, 16) + 8 * 16 + norm(16) + block(16, 16) + 17 * 4;
  assert.equal(countParameters(residual), expected);
  const dense = zooGraph('densenet-bc(16, 6, 0.25)', options);
  assert.deepEqual(dense.parameters.get('features.transition1.conv.weight')?.shape, [6, 24, 1, 1]);
  assert.deepEqual(dense.parameters.get('features.transition2.conv.weight')?.shape, [4, 18, 1, 1]);
  assert.deepEqual(dense.parameters.get('classifier.weight')?.shape, [4, 16]);
});

test('small members with impossible numbers are refused by the number', () => {
  const refused = (name: string, message: RegExp) =>
    assert.throws(() => zooGraph(name, { channels: 3, size: 32, seed: null }), { code: 'MODEL', message });
  refused(
    'resnet()',
    /expects densenet-bc\(depth, growth, compression\) or resnet\(width, \[blocks, ...\]\)/,
  );
  refused('resnet(16,2)', /expects densenet-bc/);
  refused('resnet(16,[])', /"resnet\(16,\[\]\)" expects a number of blocks from 1 to 200, received ""/);
  refused('resnet(16,[2,0])', /number of blocks from 1 to 200, received "0"/);
  refused('resnet(0,[2])', /width from 1 to 1024, received "0"/);
  refused('resnet(8,[1,1,1,1,1,1,1])', /1 to 6 layers, received 7/);
  refused('densenet-bc(100,12)', /expects densenet-bc/);
  refused('densenet-bc(101,12,0.5)', /a depth of 6n \+ 4 .*received 101/);
  refused('densenet-bc(1e3,12,0.5)', /depth from 10 to 1000, received "1e3"/);
  refused('densenet-bc(100,12,0)', /compression above 0 and up to 1, received "0"/);
  refused('densenet-bc(100,12,1.5)', /compression above 0 and up to 1, received "1.5"/);
  refused('resnet(1024,[200,200,200,200,200,200])', /would have \d+ weights, more than the 1073741824/);
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
  const small = zooGraph('resnet20', { channels: 3, size: 32, classes: 10, seed: 3 });
  expectNormal(small, 'layer3.1.conv1.weight', 2 / (64 * 9));
  expectNormal(small, 'linear.weight', 2 / 64);
  const squeeze = zooGraph('squeezenet1_1', { channels: 3, size: 64, classes: 14, seed: 3 });
  expectNormal(squeeze, 'classifier.1.weight', 1e-4);
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
