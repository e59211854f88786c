import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ModelCard } from '../../src/model/card.js';
import { findCuts } from '../../src/model/cut.js';
import { describeModel } from '../../src/model/describe.js';
import type { Shape } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { loadModel } from '../../src/model/registry.js';
import { countParameters } from '../../src/model/shapes.js';
import { matchWeights } from '../../src/model/weights/match.js';
import { listPth, readPth } from '../../src/model/weights/pth.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { largestDifference, runOnnx, waves } from './run-onnx.js';
import { temporaryFile } from './write-pth.js';

/** Files of PyTorch, and what it computes with them: golden/checkpoints.py. */
const folder = fileURLToPath(new URL('golden/pth/', import.meta.url));
const golden = <T>(name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, T>;
const CIFAR = 'weights/cifar10_resnet';

interface GoldenNetwork {
  readonly architecture: string;
  readonly channels: 1 | 3;
  readonly size: number;
  readonly classes: number;
  readonly logits: readonly number[];
}

const card = (changes: Partial<ModelCard>): ModelCard => ({
  name: 'test',
  pretraining: 'cifar10',
  architecture: 'resnet20',
  input: { size: 32, channels: 3, order: 'RGB', scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  ...changes,
});

for (const name of ['elements.pth', 'elements-legacy.pth', 'protocol4.pth']) {
  test(`${name}: tensors of every type and layout have PyTorch's values`, async () => {
    const expected = golden<{ shape: Shape; values: number[] }>('elements.json');
    const { tensors, notes } = await readPth(join(folder, name));
    assert.deepEqual([...tensors.keys()], Object.keys(expected));
    for (const [key, { shape, values }] of Object.entries(expected)) {
      assert.deepEqual(tensors.get(key)?.shape, shape, key);
      assert.deepEqual([...(tensors.get(key)?.data ?? [])], values.map(Math.fround), key);
    }
    // Views of one storage share its numbers.
    assert.equal(tensors.get('whole')?.data.buffer, tensors.get('row')?.data.buffer);
    if (name !== 'protocol4.pth') {
      assert.deepEqual(notes, ['4 entries are no tensors: ünïcode ☃, list, set, long']);
      const integers = (await listPth(join(folder, name))).filter(({ type }) => !/F/.test(type));
      assert.deepEqual(
        integers.map(({ name: key, type, shape }) => [key, type, shape]),
        [
          ['int64', 'I64', [2]],
          ['bool', 'BOOL', [1]],
          ['uint8', 'U8', [1]],
        ],
      );
    }
  });
}

for (const [name, expected] of Object.entries(golden<GoldenNetwork>('networks.json'))) {
  test(`${name}: a checkpoint as ${expected.architecture} gives PyTorch's logits, in ONNX and back too`, async () => {
    const { architecture, channels, size, classes, logits } = expected;
    const { tensors } = await readPth(join(folder, name));
    const graph = zooGraph(architecture, { channels, size, classes, seed: null });
    const match = matchWeights(graph, tensors, name);
    assert.deepEqual(match.missing, []);
    const shape = [2, channels, size, size];
    const bytes = writeOnnx(match.graph);
    const first = await runOnnx(bytes, waves(shape), shape);
    assert.ok(largestDifference(first.values, logits) < 1e-4);
    const again = await readOnnx(temporaryFile('again.onnx', bytes));
    const second = await runOnnx(writeOnnx(again), waves(shape), shape);
    assert.ok(largestDifference(second.values, logits) < 1e-4);
  });
}

test('what was done to the names is said', async () => {
  const notes = async (name: string) => {
    const { architecture, channels, size } = golden<GoldenNetwork>('networks.json')[name] as GoldenNetwork;
    const input = {
      ...card({}).input,
      size,
      channels,
      mean: new Array(channels).fill(0.5),
      std: new Array(channels).fill(0.2),
    };
    return (await loadModel(card({ architecture, file: name, input }), { folder })).notes;
  };
  assert.deepEqual(await notes('training.pth.tar'), [
    '45 tensors of the file are used',
    'the prefix "module." was taken off the names',
    'the classifier was dropped (fc.weight is [5, 16], not [10, 16]; fc.bias is [5], not [10])',
    'the weights are those under "state_dict"',
  ]);
  assert.deepEqual(await notes('old-keys.pth'), [
    '45 tensors of the file are used',
    'the prefix "module.densenet." was taken off the names',
    '30 tensors have names of older DenseNet files (norm.1 for norm1)',
    'the classifier was dropped (classifier.weight is [3, 9], not [10, 9]; classifier.bias is [3], not [10])',
    '1 tensors of the file have no place in densenet-bc(10,4,0.5): op_threshs',
    'the weights are those under "net"',
  ]);
});

test('a checkpoint without a card is described by its tensors', async () => {
  const description = await describeModel(join(folder, 'training.pth.tar'));
  assert.equal(description.format, 'pth');
  assert.equal(description.tensors?.length, 56);
  assert.match(description.notes.join(), /56 tensors with \d+ numbers; a model card says which network/);
});

for (const depth of [20, 32, 44, 56]) {
  test(`ResNet-${depth} for CIFAR-10: the published file gives PyTorch's logits`, {
    skip: skipWithout(CIFAR),
  }, async () => {
    const expected = golden<{ architecture: string; parameters: number; logits: Record<string, number[]> }>(
      'cifar.json',
    );
    const [file = '', { architecture, parameters, logits }] = Object.entries(expected).find(
      ([, { architecture: name }]) => name === `resnet${depth}`,
    )!;
    for (const [side, values] of Object.entries(logits)) {
      const size = Number(side);
      const input = { ...card({}).input, size };
      const model = await loadModel(card({ architecture, file, input }), { folder: sharedPath(CIFAR) ?? '' });
      assert.equal(countParameters(model.graph), parameters);
      assert.match(model.notes.join('\n'), /"module\." was taken off.*\n.*under "state_dict"/);
      assert.deepEqual(findCuts(model.graph).at(-1)?.shape, [64]);
      const shape = [2, 3, size, size];
      const received = await runOnnx(writeOnnx(model.graph), waves(shape), shape);
      assert.ok(largestDifference(received.values, values) < 1e-4, side);
    }
  });
}
