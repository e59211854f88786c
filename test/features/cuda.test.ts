import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { type CudaPart, type Machine, missingBasics, onnxruntimePackage } from '../../src/features/cuda.js';
import { readSharedLibrary } from '../../src/features/elf.js';
import { openOnnxruntime } from '../../src/features/onnxruntime-session.js';
import { createSession, probeProviders } from '../../src/features/open-session.js';
import { kernelsOf, profiled, requireCuda } from '../../src/features/placement.js';
import { writeLibrary } from './fake-library.js';
import { goldenPath, temporaryFolder } from './golden.js';

const LIBRARIES = [
  'libcublasLt.so.12',
  'libcublas.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libcudart.so.12',
  'libcudnn.so.9',
];
const PROVIDER = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
const H100 = 'NVIDIA H100 80GB HBM3, 570.124.06\n';
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

function adviceFor(parts: readonly CudaPart[], name: string): string {
  return parts.find((part) => part.name === name)?.advice ?? '';
}

/** A folder with the CUDA provider, linked to the usual libraries and to those of the system. */
async function withProvider(t: Parameters<typeof temporaryFolder>[0], runPath?: string): Promise<string> {
  const folder = await temporaryFolder(t);
  writeLibrary(join(folder, PROVIDER[0]!));
  const needed = [
    ...LIBRARIES,
    'libdl.so.2',
    'libstdc++.so.6',
    'libc.so.6',
    'ld-linux-x86-64.so.2',
    PROVIDER[0]!,
  ];
  writeLibrary(join(folder, PROVIDER[1]!), { needed, ...(runPath === undefined ? {} : { runPath }) });
  return folder;
}

test('the probe answers on this machine, with the version of the package', () => {
  assert.equal(here.cpu, true);
  assert.match(here.version, /^1\.30\./);
  assert.equal(here.cuda.available, here.cuda.missing.length === 0);
});

test('the probe names driver, provider and libraries that are missing, and says what to do for each', async (t) => {
  const { cuda } = probeProviders(machine(await temporaryFolder(t), {}));
  assert.equal(cuda.available, false);
  assert.deepEqual(cuda.missing, ['NVIDIA driver', ...PROVIDER, ...LIBRARIES]);
  assert.match(cuda.note, /npm run setup -- --cuda/);
  assert.match(
    adviceFor(cuda.parts, 'libcudnn.so.9'),
    /cuDNN, version 9.*pip: nvidia-cudnn-cu12; conda: cudnn/,
  );
  assert.match(adviceFor(cuda.parts, PROVIDER[1]!), /setup -- --cuda/);
  assert.match(adviceFor(cuda.parts, 'NVIDIA driver'), /driver 525\.60\.13 or newer/);
});

test('an installed provider is asked what it is linked to; the system libraries are not listed', async (t) => {
  const folder = await temporaryFolder(t);
  writeLibrary(join(folder, PROVIDER[0]!));
  writeLibrary(join(folder, PROVIDER[1]!), { needed: ['libcudart.so.14', 'libnvrtc.so.14', 'libc.so.6'] });
  const { cuda } = probeProviders(machine(folder, { 'nvidia-smi': H100 }));
  assert.deepEqual(cuda.missing, ['libcudart.so.14', 'libnvrtc.so.14']);
  assert.match(adviceFor(cuda.parts, 'libcudart.so.14'), /the CUDA runtime, version 14/);
});

test('libraries are found on LD_LIBRARY_PATH, by the run path and in the cache of the loader, with their versions', async (t) => {
  const folder = await withProvider(t, '$ORIGIN/cuda:/nowhere');
  const own = join(folder, 'cuda');
  const beside = await temporaryFolder(t);
  const system = await temporaryFolder(t);
  mkdirSync(own);
  writeLibrary(join(beside, 'libcudnn.so.9.4.0'));
  symlinkSync('libcudnn.so.9.4.0', join(beside, 'libcudnn.so.9'));
  writeLibrary(join(own, 'libcurand.so.10'));
  for (const name of LIBRARIES) if (!/cudnn|curand|cudart/.test(name)) writeLibrary(join(system, name));
  const line = (name: string, kind = 'libc6,x86-64') => `\t${name} (${kind}) => ${join(system, name)}\n`;
  const ldconfig = [
    ...LIBRARIES.map((name) => line(name)),
    line('libcudart.so.13'),
    line('libcudart.so.12', 'libc6'),
  ].join('');
  const answers = { '/sbin/ldconfig': `9 libs found\n${ldconfig}`, 'nvidia-smi': H100 };
  const { cuda } = probeProviders(machine(folder, answers, { libraryPath: [beside, '/nowhere'] }));
  // In the cache of the loader, but gone from the disk.
  assert.deepEqual(cuda.missing, ['libcudart.so.12']);
  assert.match(
    adviceFor(cuda.parts, 'libcudart.so.12'),
    /Another version is there \(libcudart\.so\.1.*it does not do/,
  );
  const found = Object.fromEntries(cuda.parts.map((part) => [part.name, part.found]));
  assert.equal(found['libcudnn.so.9'], `9.4.0, ${join(beside, 'libcudnn.so.9')}`);
  assert.equal(found['libcurand.so.10'], join(own, 'libcurand.so.10'));
  assert.equal(found['NVIDIA driver'], '570.124.06, NVIDIA H100 80GB HBM3');
  writeLibrary(join(system, 'libcudart.so.12'));
  const complete = probeProviders(machine(folder, answers, { libraryPath: [beside] })).cuda;
  assert.equal(complete.available, true);
  assert.equal(complete.note, 'ready');
});

test('drivers that are old, hidden or without a GPU do not do', async (t) => {
  const folder = await withProvider(t);
  const driverFile = join(folder, 'version');
  const advice = (answers: Record<string, string>, overrides: Partial<Machine> = {}) =>
    adviceFor(probeProviders(machine(folder, answers, overrides)).cuda.parts, 'NVIDIA driver');
  assert.match(
    advice({ 'nvidia-smi': 'Tesla K80, 470.82.01\n' }),
    /470\.82\.01 is there; install driver 525/,
  );
  assert.match(advice({ 'nvidia-smi': 'A, 525.60.12\n' }), /525\.60\.12 is there/);
  assert.equal(advice({ 'nvidia-smi': 'A, 525.60.13\n' }), '');
  assert.match(advice({ 'nvidia-smi': '\n' }), /lists no GPU/);
  assert.match(advice({ 'nvidia-smi': H100 }, { visibleDevices: '' }), /CUDA_VISIBLE_DEVICES hides/);
  assert.equal(advice({ 'nvidia-smi': H100 }, { visibleDevices: '1' }), '');
  writeFileSync(
    driverFile,
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  460.91.03  Fri Jul  2\nGCC version: 12\n',
  );
  assert.match(advice({}, { driverFile }), /460\.91\.03 is there/);
});

test('a provider that was cut short is missing, and to be fetched again', async (t) => {
  const folder = await withProvider(t);
  const whole = readFileSync(join(folder, PROVIDER[1]!));
  writeFileSync(join(folder, PROVIDER[1]!), whole.subarray(0, whole.length - 10));
  const { cuda } = probeProviders(machine(folder, { 'nvidia-smi': H100 }));
  assert.ok(cuda.missing.includes(PROVIDER[1]!));
  assert.match(adviceFor(cuda.parts, PROVIDER[1]!), /ends at byte .* should reach to .* Get it again/);
});

test('platforms without CUDA provider and machines that fail to answer are reported, not thrown', () => {
  const arm = probeProviders(machine('/nowhere', {}, { arch: 'arm64' }));
  assert.match(arm.cuda.note, /no CUDA provider for linux\/arm64/);
  const none = probeProviders({ ...machine('', {}), bindingFolder: undefined });
  assert.deepEqual(none.cuda.missing, ['onnxruntime-node']);
  const run = () => {
    throw new Error('no process can be started');
  };
  assert.match(
    probeProviders(machine('/nowhere', {}, { run })).cuda.note,
    /the probe failed: no process can be/,
  );
});

test('what is linked is read as readelf reads it', (t) => {
  const { bindingFolder } = onnxruntimePackage();
  const file = join(bindingFolder ?? '', 'libonnxruntime.so.1');
  const answer = spawnSync('readelf', ['-d', file], { encoding: 'utf8' });
  if (answer.status !== 0) return t.skip('readelf is not installed (binutils)');
  const names = (tag: string) =>
    [...answer.stdout.matchAll(new RegExp(`\\(${tag}\\).*\\[(.+)\\]`, 'g'))].map(([, name]) => name);
  const library = readSharedLibrary(file);
  assert.deepEqual(library.needed, names('NEEDED'));
  assert.deepEqual(library.runPath, names('RUNPATH'));
  assert.deepEqual(library.exportedVersions, [`VERS_${here.version}`]);
  assert.ok(library.needed.length > 3);
});

test('broken libraries end in an error or in names, 2,000 times', async (t) => {
  const folder = await withProvider(t, '$ORIGIN');
  const whole = readFileSync(join(folder, PROVIDER[1]!));
  const random = new RandomStream(11, STREAM.split);
  const path = join(folder, 'broken.so');
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(
      whole.subarray(0, round % 4 === 0 ? random.integer(whole.length) : whole.length),
    );
    for (let flips = random.integer(4); flips > 0 && bytes.length > 0; flips--)
      bytes[random.integer(bytes.length)] = random.integer(256);
    writeFileSync(path, bytes);
    try {
      assert.ok(readSharedLibrary(path).needed.length <= 64);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'RUNTIME', (error as Error).stack);
      refused++;
    }
  }
  assert.ok(refused > 500, String(refused));
});

test('the profile of onnxruntime says where the network ran: this machine’s CPU is not taken for a GPU', async () => {
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node');
  env.logLevel = 'fatal';
  const kernels = await profiled(async (profileFilePrefix) => {
    const profile = { enableProfiling: true, profileFilePrefix, executionProviders: ['cpu'] };
    const session = await InferenceSession.create(goldenPath('small.onnx'), profile);
    const images = new Tensor('float32', new Float32Array(4 * 3 * 16 * 16), [4, 3, 16, 16]);
    await session.run({ [session.inputNames[0]!]: images });
    session.endProfiling();
    await session.release();
  });
  assert.ok(kernels.some(({ operator }) => operator.includes('Conv')));
  assert.ok(kernels.every(({ provider }) => provider === 'CPUExecutionProvider'));
  assert.throws(() => requireCuda(kernels), {
    code: 'RUNTIME',
    message:
      /expected the network to run on the GPU, onnxruntime ran \d+ on CPUExecutionProvider, among them a /,
  });
});

test('a network ran on the GPU when its convolutions and products did', () => {
  const event = (op_name: string, provider: string) => ({
    cat: 'Node',
    name: `n_${op_name}_kernel_time`,
    args: { op_name, provider },
  });
  const profile = (...events: object[]) =>
    kernelsOf(JSON.stringify([{ cat: 'Session', name: 'model_run', args: {} }, ...events]));
  const cuda = 'CUDAExecutionProvider';
  const cpu = 'CPUExecutionProvider';
  const shapes = [event('Shape', cpu), event('Gather', cpu)];
  assert.deepEqual(requireCuda(profile(event('Conv', cuda), event('Gemm', cuda), ...shapes)), {
    [cuda]: 2,
    [cpu]: 2,
  });
  for (const operator of ['Conv', 'FusedConv', 'NhwcConv', 'MatMul', 'FusedGemm'])
    assert.throws(() => requireCuda(profile(event('Conv', cuda), event(operator, cpu))), {
      message: new RegExp(`ran 1 on ${cuda} and 1 on ${cpu}, among them a ${operator}`),
    });
  assert.throws(() => requireCuda(profile(...shapes)), /ran 2 on CPUExecutionProvider\./);
  assert.throws(() => requireCuda([]), /ran nothing/);
});

test('a session on the GPU is refused where onnxruntime has no CUDA provider', {
  skip: skipWithCuda,
}, async () => {
  const options = { device: 'cuda', threads: 1 } as const;
  await assert.rejects(openOnnxruntime(goldenPath('small.onnx'), options, 0), {
    code: 'MODEL',
    message: /shared library/,
  });
});

test('auto falls back to the CPU and says why; cuda refuses', { skip: skipWithCuda }, async (t) => {
  const path = goldenPath('small.onnx');
  const folder = await temporaryFolder(t);
  const driverFile = join(folder, 'driver');
  const bare = machine(folder, {});
  assert.deepEqual(missingBasics(bare), ['NVIDIA driver', ...PROVIDER]);
  writeFileSync(driverFile, 'NVRM version: Kernel Module  570.124.06\n');
  const noProvider = machine(folder, {}, { driverFile });
  const noLibraries = machine(await withProvider(t), {}, { driverFile });
  const cases: [Machine, RegExp, RegExp][] = [
    [
      bare,
      /^there is no NVIDIA driver here$/,
      /cannot be used: NVIDIA driver and libonnxruntime.* not found/,
    ],
    [
      noProvider,
      /^the CUDA provider is not installed \(no libonnxruntime_providers_shared/,
      /_cuda\.so not found/,
    ],
    [
      noLibraries,
      /^CUDA does not start \(missing: libcublasLt\.so\.12.*cudnn/,
      /missing: libcublasLt\.so\.12/,
    ],
  ];
  for (const [given, note, refusal] of cases) {
    const session = await createSession(path, { device: 'auto', threads: 1 }, given);
    assert.equal(session.provider, 'cpu');
    assert.match(session.providerNote ?? '', note);
    await session.release();
    for (const device of ['cuda', 'cuda:1'] as const)
      await assert.rejects(createSession(path, { device, threads: 1 }, given), {
        code: 'RUNTIME',
        message: refusal,
      });
  }
});
