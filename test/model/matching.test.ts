import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph, Parameter } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { matchWeights } from '../../src/model/weights/match.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';

const SMALL = 'resnet(4,[1,1])';
const build = (changes: { channels?: 1 | 3; seed?: number | null; classes?: number; name?: string } = {}) => {
  const { name = SMALL, channels = 3, seed = null, classes = 5 } = changes;
  return zooGraph(name, { channels, size: 16, classes, seed });
};
const renamed = (graph: Graph, rename: (name: string) => string) =>
  new Map([...graph.parameters].map(([name, parameter]) => [rename(name), parameter]));

async function logits(graph: Graph, input: Float32Array): Promise<Float32Array> {
  const shape = [2, ...graph.inputShape];
  return (await runOnnx(writeOnnx(graph), input, shape)).values;
}

test('a prefix is taken off, whatever it is; a head outside of it is found too', () => {
  const weights = build({ seed: 1 });
  for (const prefix of ['module.', 'model.', 'encoder.', 'module.encoder.', 'densenet121.', 'a.b.c.']) {
    const match = matchWeights(
      build(),
      renamed(weights, (name) => prefix + name),
      'w',
    );
    assert.equal(match.matched.length, weights.parameters.size);
    assert.ok(match.notes.includes(`the prefix "${prefix}" was taken off the names`));
  }
  const outside = renamed(weights, (name) => (name.startsWith('fc.') ? name : `backbone.${name}`));
  assert.deepEqual(matchWeights(build(), outside, 'w').missing, []);
});

test('two networks in one file that both fit are refused; so are two tensors of one name', () => {
  const weights = build({ seed: 1 });
  const both = new Map([
    ...renamed(weights, (name) => `encoder_q.${name}`),
    ...renamed(weights, (name) => `encoder_k.${name}`),
  ]);
  assert.throws(() => matchWeights(build(), both, 'moco.pth'), {
    code: 'MODEL',
    message: /moco\.pth: holds two networks that fit, under "encoder_[qk]\." and "encoder_[qk]\."/,
  });
  const dense = build({ name: 'densenet-bc(10,2,0.5)', seed: 1 });
  const names = renamed(dense, (name) => name);
  names.set(
    'features.denseblock1.denselayer1.norm.1.weight',
    names.get('features.denseblock1.denselayer1.norm1.weight') as Parameter,
  );
  assert.throws(() => matchWeights(build({ name: 'densenet-bc(10,2,0.5)' }), names, 'w'), {
    code: 'MODEL',
    message: /has two tensors for features\.denseblock1\.denselayer1\.norm1\.weight/,
  });
});

test('weights of a deeper network are refused, not read in part', () => {
  const deeper = build({ name: 'resnet(4,[2,1])', seed: 1 });
  assert.throws(() => matchWeights(build(), deeper.parameters, 'w'), {
    code: 'MODEL',
    message:
      /has 10 tensors that the resnet\(4,\[1,1\]\) backbone has no layers for: layer1\.1\.conv1\.weight/,
  });
  const longer = build({ name: 'resnet(4,[1,1,1])', seed: 1 });
  assert.throws(() => matchWeights(build(), longer.parameters, 'w'), { message: /layer3\.0\.conv1\.weight/ });
  // A ResNet for CIFAR whose shortcuts are convolutions has all tensors of one whose shortcuts have none.
  const projected = build({ name: 'resnet(16,[3,3,3])', seed: 1 });
  assert.throws(() => matchWeights(build({ name: 'resnet20' }), projected.parameters, 'w'), {
    message: /layer2\.0\.downsample\.0\.weight/,
  });
});

test('a pre-activation ResNet is refused by its kind', () => {
  const names = [
    'stem.conv.weight',
    'stages.0.blocks.0.norm1.weight',
    'stages.0.blocks.0.conv1.weight',
    'norm.weight',
  ];
  const one = { shape: [1], data: Float32Array.of(1) };
  assert.throws(() => matchWeights(build(), new Map(names.map((name) => [name, one])), 'w'), {
    code: 'MODEL',
    message: /lacks \d+ tensors .*pre-activation ResNet \(resnetv2 of timm\)/,
  });
});

test('3 → 1 channels: a grey image gives what it gave when repeated; said so', async () => {
  const coloured = build({ seed: 2 });
  const { graph, notes } = matchWeights(build({ channels: 1 }), coloured.parameters, 'w');
  assert.ok(
    notes.includes('conv1.weight has 3 input channels in the file and was summed over its input channels'),
  );
  const grey = waves([2, 1, 16, 16]);
  const repeated = new Float32Array(3 * grey.length);
  for (let image = 0; image < 2; image++) {
    for (let channel = 0; channel < 3; channel++)
      repeated.set(grey.subarray(image * 256, (image + 1) * 256), (3 * image + channel) * 256);
  }
  assert.ok(largestDifference(await logits(graph, grey), await logits(coloured, repeated)) < 1e-5);
});

test('1 → 3 channels: a repeated image gives what the grey one gave; said so', async () => {
  const grey = build({ channels: 1, seed: 2 });
  const { graph, notes } = matchWeights(build(), grey.parameters, 'w');
  assert.match(
    notes.join('\n'),
    /conv1\.weight has 1 input channel in .* repeated for three .* divided by three/,
  );
  const image = waves([2, 1, 16, 16]);
  const repeated = Float32Array.from({ length: 3 * image.length }, (_, index) => {
    const [picture, pixel] = [Math.floor(index / 768), index % 256];
    return image[picture * 256 + pixel] ?? Number.NaN;
  });
  assert.ok(largestDifference(await logits(graph, repeated), await logits(grey, image)) < 1e-5);
});

test('other numbers of input channels are no matter of conversion', () => {
  const weights = renamed(build({ seed: 1 }), (name) => name);
  weights.set('conv1.weight', { shape: [4, 4, 3, 3], data: new Float32Array(144) });
  assert.throws(() => matchWeights(build(), weights, 'w'), {
    message: /conv1\.weight\): expects a tensor \[4, 3, 3, 3\], received \[4, 4, 3, 3\]/,
  });
});
