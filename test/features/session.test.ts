import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { CUDA_PROVIDER_FILES, type Machine } from '../../src/features/cuda.js';
import { createSession, probeProviders } from '../../src/features/session.js';
import { goldenPath, temporaryFolder } from './golden.js';

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
