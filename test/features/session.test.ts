import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { CUDA_PROVIDER_FILES, type Machine } from '../../src/features/cuda.js';
import { engineIsFaster } from '../../src/features/engine-session.js';
import { createSession, probeProviders } from '../../src/features/open-session.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import { goldenPath, largestDifference, temporaryFolder } from './golden.js';

const LIBRARIES = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcudnn.so.9',
];
const here = probeProviders();
const skipWithCuda = here.cuda.available ? 'CUDA is installed on this machine' : false;

/** A Linux machine whose commands answer from a table. */
function machine(
  bindingFolder: string,
  answers: Record<string, string>,
  overrides: Partial<Machine> = {},
): Machine {
  return {
    platform: 'linux',
    arch: 'x64',
    bindingFolder,
    version: '1.30.0',
    libraryPath: [],
    driverFile: '/nowhere/driver',
    run: (command) => answers[command],
    ...overrides,
  };
}

test('the probe answers on this machine, with the version of the package', () => {
  assert.equal(here.cpu, true);
  assert.match(here.version, /^1\.30\./);
  assert.equal(here.cuda.available, here.cuda.missing.length === 0);
});

test('the probe names provider, libraries and driver that are missing', async (t) => {
  const folder = await temporaryFolder(t);
  const { cuda } = probeProviders(machine(folder, {}));
  assert.equal(cuda.available, false);
  assert.deepEqual(cuda.missing, [...CUDA_PROVIDER_FILES, ...LIBRARIES, 'NVIDIA driver']);
  assert.match(cuda.note, /ONNXRUNTIME_NODE_INSTALL=cuda12/);
});

test('libraries are found in the cache of the loader and on LD_LIBRARY_PATH', async (t) => {
  const folder = await temporaryFolder(t);
  const beside = join(folder, 'cuda');
  await mkdir(beside);
  await writeFile(join(beside, 'libcudnn.so.9'), '');
  const ldconfig = `4 libs found in cache\n${LIBRARIES.slice(0, 3)
    .map((name) => `\t${name} (libc6,x86-64) => /usr/lib/${name}`)
    .join('\n')}\n\tlibcufft.so.10 (libc6,x86-64) => /usr/lib/libcufft.so.10\n`;
  const nvidia = 'GPU 0: NVIDIA H100 (UUID: GPU-1)\n';
  const { cuda } = probeProviders(
    machine(
      folder,
      { '/sbin/ldconfig': ldconfig, 'nvidia-smi': nvidia },
      { libraryPath: [beside, '/nowhere'] },
    ),
  );
  assert.deepEqual(cuda.missing, [...CUDA_PROVIDER_FILES, 'libcufft.so.11']);
});

test('an installed provider is asked what it is linked to', async (t) => {
  const folder = await temporaryFolder(t);
  for (const file of CUDA_PROVIDER_FILES) await writeFile(join(folder, file), '');
  const driverFile = join(folder, 'version');
  await writeFile(driverFile, '');
  const ldd = '\tlibcudart.so.13 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n';
  const { cuda } = probeProviders(machine(folder, { ldd }, { driverFile }));
  assert.deepEqual(cuda.missing, ['libcudart.so.13']);
  const complete = probeProviders(
    machine(folder, { ldd: ldd.replace('not found', '/opt/libcudart.so.13') }, { driverFile }),
  );
  assert.deepEqual(complete.cuda, { available: true, missing: [], note: 'ready' });
});

test('platforms without CUDA provider and machines that fail to answer are reported, not thrown', () => {
  const arm = probeProviders(machine('/nowhere', {}, { arch: 'arm64' }));
  assert.match(arm.cuda.note, /no CUDA provider for linux\/arm64/);
  const none = probeProviders({ ...machine('', {}), bindingFolder: undefined });
  assert.deepEqual(none.cuda.missing, ['onnxruntime-node']);
  const broken = probeProviders(
    machine(
      '/nowhere',
      {},
      {
        run: () => {
          throw new Error('no process can be started');
        },
      },
    ),
  );
  assert.match(broken.cuda.note, /the probe failed: no process can be started/);
});

test('auto falls back to the CPU and says why', { skip: skipWithCuda }, async () => {
  const session = await createSession(goldenPath('small.onnx'), { device: 'auto', threads: 1 });
  assert.equal(session.provider, 'cpu');
  assert.match(session.providerNote ?? '', /CUDA is not installed \(no libonnxruntime_providers_shared\.so/);
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
      assert.match(error.message, /libonnxruntime_providers_cuda\.so not found.*install\.js/);
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
