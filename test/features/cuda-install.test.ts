import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CudaInstall, installCuda, runInstallScript } from '../../src/features/cuda-install.js';
import { fakeLibrary, writeLibrary } from './fake-library.js';
import { temporaryFolder } from './golden.js';

const SHARED = 'libonnxruntime_providers_shared.so';
const CUDA = 'libonnxruntime_providers_cuda.so';
const OLD = { names: ['an older file'] };

interface Setting {
  readonly packageFolder: string;
  readonly binding: string;
  readonly said: string[];
  /** Installs; `fetch` is what the package's own script does. */
  readonly install: (from?: string, fetch?: CudaInstall['fetch'], platform?: string) => void;
}

/** An onnxruntime-node 1.30.0 without its CUDA provider. */
async function packaged(t: TestContext): Promise<Setting> {
  const packageFolder = join(await temporaryFolder(t), 'onnxruntime-node');
  const binding = join(packageFolder, 'bin', 'napi-v6', 'linux', 'x64');
  mkdirSync(binding, { recursive: true });
  writeFileSync(join(packageFolder, 'package.json'), '{"name": "onnxruntime-node", "version": "1.30.0"}');
  const said: string[] = [];
  const refuse: CudaInstall['fetch'] = () => assert.fail('nothing is to be fetched');
  return {
    packageFolder,
    binding,
    said,
    install: (from, fetch = refuse, platform = 'linux/x64') =>
      installCuda({ platform, packageFolder, from, say: (message) => said.push(message), fetch }),
  };
}

function writeProvider(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeLibrary(join(folder, SHARED));
  writeLibrary(join(folder, CUDA), { needed: ['libcudart.so.12'] });
}

test('the provider is fetched by the package’s own script, once', async (t) => {
  const { binding, said, install } = await packaged(t);
  let fetched = 0;
  const fetch: CudaInstall['fetch'] = (script) => {
    assert.match(script, /onnxruntime-node\/script\/install\.js$/);
    fetched++;
    writeProvider(binding);
    return { ok: true, output: '' };
  };
  install(undefined, fetch);
  install(undefined, fetch);
  assert.equal(fetched, 1);
  assert.match(said.at(-1) ?? '', /the CUDA provider of onnxruntime 1\.30\.0 is there/);
  // A download that was cut short is made again.
  writeFileSync(join(binding, CUDA), fakeLibrary().subarray(0, 200));
  install(undefined, fetch);
  assert.equal(fetched, 2);
});

test('without the network the message says which files of which version go where', async (t) => {
  const { binding, install } = await packaged(t);
  const offline = () => install(undefined, () => ({ ok: false, output: 'Error: getaddrinfo ENOTFOUND' }));
  assert.throws(offline, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'RUNTIME');
    assert.match(error.message, /install script .* did not succeed: Error: getaddrinfo ENOTFOUND/);
    assert.match(error.message, new RegExp(`${SHARED} and ${CUDA} of onnxruntime 1\\.30\\.0`));
    assert.match(error.message, /npm run setup -- --cuda --cuda-libs FOLDER/);
    assert.ok(error.message.includes(binding));
    return true;
  });
  assert.throws(() => install(undefined, () => ({ ok: true, output: '' })), /left no whole .*shared\.so and/);
});

test('a script that fails is quoted by its error', async (t) => {
  const folder = await temporaryFolder(t);
  const script = join(folder, 'install.js');
  writeFileSync(
    script,
    'if (process.env.ONNXRUNTIME_NODE_INSTALL !== "cuda12") process.exit(3);\nthrow new Error("no way");\n',
  );
  assert.deepEqual(runInstallScript(script), { ok: false, output: 'Error: no way' });
  writeFileSync(script, '');
  assert.deepEqual(runInstallScript(script), { ok: true, output: '' });
});

/** Folders as they are published, each with the provider of version 1.30.0 or another. */
const SOURCES: Record<string, (root: string, version: string) => void> = {
  'another onnxruntime-node': (root, version) => {
    writeProvider(join(root, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', 'linux', 'x64'));
    const manifest = join(root, 'node_modules', 'onnxruntime-node', 'package.json');
    writeFileSync(manifest, JSON.stringify({ version }));
  },
  'a release archive': (root, version) => {
    writeProvider(join(root, 'lib'));
    writeFileSync(join(root, 'VERSION_NUMBER'), `${version}\n`);
  },
  'an unpacked NuGet package': (root, version) => {
    writeProvider(join(root, 'runtimes', 'linux-x64', 'native'));
    const manifest = `<package><metadata><version>${version}</version></metadata></package>`;
    writeFileSync(join(root, 'Microsoft.ML.OnnxRuntime.Gpu.Linux.nuspec'), manifest);
  },
  'files beside libonnxruntime': (root, version) => {
    writeProvider(root);
    writeLibrary(join(root, 'libonnxruntime.so.1'), { names: [`VERS_${version}`] });
  },
};

for (const [name, write] of Object.entries(SOURCES))
  test(`${name} gives the provider, if it is of the same version`, async (t) => {
    const { binding, install } = await packaged(t);
    const [same, other] = [await temporaryFolder(t), await temporaryFolder(t)];
    write(same, '1.30.0');
    write(other, '1.29.1');
    writeLibrary(join(binding, CUDA), OLD);
    assert.throws(() => install(other), {
      code: 'RUNTIME',
      message: /expected the CUDA provider of onnxruntime 1\.30\.0, received 1\.29\.1/,
    });
    assert.deepEqual(readFileSync(join(binding, CUDA)), fakeLibrary(OLD));
    install(same);
    install(same);
    assert.deepEqual(readdirSync(binding).toSorted(), [CUDA, SHARED]);
    assert.deepEqual(readFileSync(join(binding, CUDA)), fakeLibrary({ needed: ['libcudart.so.12'] }));
  });

test('folders without the files, of unknown version or of another machine are refused', async (t) => {
  const { install } = await packaged(t);
  const folder = await temporaryFolder(t);
  assert.throws(() => install(folder), {
    message: /there is no libonnxruntime_providers_shared\.so with .*cuda\.so/,
  });
  writeProvider(folder);
  assert.throws(() => install(folder), { message: /version cannot be told.*Keep libonnxruntime\.so/ });
  writeFileSync(join(folder, 'VERSION_NUMBER'), '1.30.0');
  writeLibrary(join(folder, CUDA), { machine: 183 });
  assert.throws(() => install(folder), { message: /expected a library for x64, received one for arm64/ });
  writeFileSync(join(folder, CUDA), 'not a library');
  assert.throws(() => install(folder), { code: 'RUNTIME', message: /not a whole shared library/ });
  assert.throws(() => install(undefined, undefined, 'darwin/arm64'), {
    message: /no CUDA provider for darwin\/arm64/,
  });
});
