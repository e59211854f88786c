import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Network } from '../../src/engine/network.js';
import { findCuts, prefixOf, suffixOf } from '../../src/model/cut.js';
import type { Graph } from '../../src/model/graph.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { largestDifference, runOnnx, waves } from '../model/run-onnx.js';
import { fileOf } from './bank.js';

// Networks that PyTorch exported as ONNX, and its logits (test/model/golden/networks.py): the engine in inference form.
const folder = fileURLToPath(new URL('../model/golden/networks/', import.meta.url));

function networkOn(graph: Graph, inputShape: readonly number[], values: Float32Array, rows: number): Network {
  const columns = values.length / rows;
  return Network.create({
    graph: { ...graph, inputShape },
    stages: [{ name: 'all', nodes: graph.nodes }],
    input: {
      kind: 'features',
      features: { path: fileOf(values), rows, columns, dtype: 'float32' },
      shape: inputShape,
    },
    device: 'cpu',
    precision: 'fp32',
    threads: 2,
    winograd: true,
    batch: 2,
    loss: 'bce',
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, beta2: 0, epsilon: 0 },
    normModes: ['batch'],
    weightDecay: 0,
    decayAll: false,
    clipNorm: 0,
    memory: 'lean',
    seed: 0,
  });
}

for (const name of ['resnet', 'cifar-resnet', 'densenet', 'vgg', 'squeezenet']) {
  test(`${name}: the whole network and the suffix behind every cut give PyTorch's logits`, async () => {
    const graph = await readOnnx(`${folder}${name}.onnx`);
    const golden = JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as {
      channels: number;
      size: number;
      activations: { logits: { values: number[] } };
    };
    const imageShape = [golden.channels, golden.size, golden.size];
    const image = waves([2, ...imageShape]);
    const expected = golden.activations.logits.values;
    const rows = Uint32Array.of(0, 1);
    await using whole = networkOn(graph, imageShape, image, 2);
    assert.ok(largestDifference(await whole.infer(rows), expected) < 1e-4, 'whole');
    for (const cut of findCuts(graph, { inputShape: imageShape })) {
      if (cut.appends !== 'nothing') continue;
      const prefix = await runOnnx(writeOnnx(prefixOf(graph, cut), { batch: 2 }), image, [2, ...imageShape]);
      const suffix = suffixOf(graph, cut);
      if (suffix.nodes.every(({ op }) => op === 'identity')) continue;
      await using network = networkOn(suffix, cut.shape, Float32Array.from(prefix.values), 2);
      assert.ok(largestDifference(await network.infer(rows), expected) < 1e-4, `behind ${cut.name}`);
    }
  });
}
