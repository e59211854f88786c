import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { engineIsFaster } from '../../src/features/engine-session.js';
import { createSession, probeProviders } from '../../src/features/open-session.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { goldenPath, largestDifference, temporaryFolder } from './golden.js';

const here = probeProviders();
const skipWithCuda = here.cuda.available ? 'CUDA is installed on this machine' : false;

test('auto falls back to the CPU and says why', { skip: skipWithCuda }, async () => {
  const session = await createSession(goldenPath('small.onnx'), { device: 'auto', threads: 1 });
  assert.equal(session.provider, 'cpu');
  assert.match(session.providerNote ?? '', /no NVIDIA driver|CUDA/);
  assert.deepEqual(session.inputShape, [4, 3, 16, 16]);
  assert.deepEqual(session.outputShape, [4, 6, 3, 3]);
  await session.release();
});

test('cpu is chosen without a note', async () => {
  const session = await createSession(goldenPath('small.onnx'), { device: 'cpu', threads: 1, spin: false });
  assert.equal(session.provider, 'cpu');
  assert.equal(session.providerNote, undefined);
  await session.release();
});

for (const device of ['cuda', 'cuda:1'] as const)
  test(`${device} is an error where it cannot be used, with the way to install it`, {
    skip: skipWithCuda,
  }, async () => {
    await assert.rejects(createSession(goldenPath('small.onnx'), { device, threads: 1 }), (error) => {
      assert.ok(error instanceof ThawError);
      assert.equal(error.code, 'RUNTIME');
      assert.match(error.message, /cannot be used: .*setup -- --cuda/);
      return true;
    });
  });

test('the engine runs on the CPU only', async () => {
  const path = goldenPath('small.onnx');
  await assert.rejects(createSession(path, { device: 'cuda', extractor: 'engine', threads: 1 }), {
    code: 'CONFIG',
    message: /expected auto or cpu for the extractor engine, received cuda.*extractor: onnxruntime/,
  });
  const session = await createSession(path, { device: 'auto', extractor: 'engine', threads: 1 });
  assert.equal(session.runtime, 'engine');
  assert.equal(session.providerNote, undefined);
  assert.deepEqual(session.inputShape, [4, 3, 16, 16]);
  assert.deepEqual(session.outputShape, [4, 6, 3, 3]);
  await session.release();
});

test('automatically the engine is taken where it is the faster one', async () => {
  const session = await createSession(goldenPath('small.onnx'), { device: 'cpu', threads: 1 });
  assert.equal(session.runtime, engineIsFaster() ? 'engine' : 'onnxruntime');
  await session.release();
});

test('what the engine does not know is left to onnxruntime, or refused by name', async (t) => {
  const graph = await readOnnx(goldenPath('small.onnx'));
  const softmax = { op: 'softmax', name: 'odd', inputs: [graph.output], output: 'odd', axis: 1 } as const;
  const flat = { op: 'flatten', name: 'flat', inputs: ['odd'], output: 'flat' } as const;
  const nodes = [...graph.nodes, softmax, flat];
  const path = join(await temporaryFolder(t), 'softmax.onnx');
  await writeFile(path, writeOnnx({ ...graph, nodes, output: 'flat' }, { batch: 4 }));
  const session = await createSession(path, { device: 'cpu', threads: 1 });
  assert.equal(session.runtime, 'onnxruntime');
  await session.release();
  await assert.rejects(createSession(path, { device: 'cpu', extractor: 'engine', threads: 1 }), {
    code: 'ENGINE',
    message: /the engine does not know the operator "softmax"/,
  });
});

test('a batch that the file leaves open may change from run to run', async (t) => {
  const graph = await readOnnx(goldenPath('small.onnx'));
  const path = join(await temporaryFolder(t), 'open.onnx');
  await writeFile(path, writeOnnx(graph));
  const [session, peer] = await Promise.all(
    (['engine', 'onnxruntime'] as const).map((extractor) =>
      createSession(path, { device: 'cpu', extractor, threads: 1 }),
    ),
  );
  for (const batch of [1, 5, 5, 2]) {
    const images = Float32Array.from({ length: batch * 3 * 16 * 16 }, (_, index) => Math.sin(index));
    const [own, expected] = [new Float32Array(batch * 54), new Float32Array(batch * 54)];
    await session!.run(images, [batch, 3, 16, 16], own, [batch, 6, 3, 3]);
    await peer!.run(images, [batch, 3, 16, 16], expected, [batch, 6, 3, 3]);
    assert.ok(largestDifference(own, expected) < 1e-5);
  }
  await Promise.all([session!.release(), peer!.release()]);
});

test('a device that is none is refused', async () => {
  for (const device of ['gpu', 'cuda:', 'cuda:x', 'tpu:0'])
    await assert.rejects(createSession(goldenPath('small.onnx'), { device: device as 'cpu', threads: 1 }), {
      code: 'CONFIG',
    });
});

test('a missing file is refused with its path', async () => {
  await assert.rejects(createSession('/nowhere/net.onnx', { device: 'cpu', threads: 1 }), (error) => {
    assert.ok(error instanceof ThawError && error.code === 'MODEL');
    assert.match(error.message, /^\/nowhere\/net\.onnx: onnxruntime cannot open the network/);
    return true;
  });
});
