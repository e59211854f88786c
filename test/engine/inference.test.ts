import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { Inference } from '../../src/engine/inference.js';
import { findCuts, prefixOf } from '../../src/model/cut.js';
import type { Graph } from '../../src/model/graph.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { zooGraph } from '../../src/model/zoo/index.js';
import { largestDifference, runOnnx } from '../model/run-onnx.js';
import { startWorker } from './start-worker.js';

const BATCH = 2;
const SIZE = 64;

function inferenceOf(graph: Graph): Inference {
  const options = { batch: BATCH, threads: 2, device: 'cpu', precision: 'fp32', winograd: true } as const;
  return Inference.create({ graph, ...options }, 'test');
}

function imagesFor({ inputShape }: Graph): Float32Array {
  const length = inputShape.reduce((product, part) => product * part, BATCH);
  return Float32Array.from({ length }, (_, index) => Math.sin(index * 0.37) + Math.cos(index * 0.011));
}

for (const name of ['densenet121', 'resnet18', 'resnet20', 'squeezenet1_1'])
  test(`${name} gives what onnxruntime gives at every cut`, async () => {
    const whole = zooGraph(name, { channels: 3, size: SIZE, classes: 5, seed: 3 });
    for (const cut of findCuts(whole)) {
      const graph = prefixOf(whole, cut);
      await using inference = inferenceOf(graph);
      const images = imagesFor(graph);
      const outputs = new Float32Array(BATCH * cut.shape.reduce((product, part) => product * part, 1));
      await inference.run(images, outputs);
      const expected = await runOnnx(writeOnnx(graph), images, [BATCH, ...graph.inputShape]);
      const difference = largestDifference(outputs, expected.values);
      assert.ok(difference < 1e-4, `${cut.name}: ${difference}`);
      assert.deepEqual(expected.shape, [BATCH, ...cut.shape]);
      assert.ok(inference.bytes > 0);
    }
  });

test('one call at a time, none after disposal, arrays of the right length', async () => {
  const graph = prefixOf(zooGraph('resnet18', { channels: 1, size: 32, classes: 2, seed: 1 }), 'block1');
  const inference = inferenceOf(graph);
  const images = imagesFor(graph);
  const outputs = new Float32Array(BATCH * 64 * 8 * 8);
  const code = (expected: string) => (error: unknown) =>
    error instanceof ThawError && error.code === expected;
  const running = inference.run(images, outputs);
  assert.throws(() => inference.run(images, outputs), code('BUSY'));
  assert.throws(() => inference.dispose(), code('BUSY'));
  await running;
  assert.throws(() => inference.run(images.subarray(1), outputs), /2048.*images.*2047/);
  const again = new Float32Array(outputs.length);
  for (let run = 0; run < 20; run++) await inference.run(images, again);
  assert.deepEqual(again, outputs);
  inference.dispose();
  inference.dispose();
  assert.throws(() => inference.run(images, outputs), code('ENGINE'));
});

test('a worker thread that is terminated while a network computes takes nothing down', async () => {
  for (let attempt = 0; attempt < 3; attempt++) {
    const worker = startWorker('./inference-worker.ts');
    await once(worker, 'message');
    await worker.terminate();
  }
});
