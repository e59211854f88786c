import { spawnSync } from 'node:child_process';
import {
  constants,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, ThawError } from '../base/errors.js';
import { CUDA_PROVIDER_FILES } from './cuda.js';
import { readSharedLibrary } from './elf.js';

export interface CudaInstall {
  /** `linux/x64`, the one platform that has a CUDA provider. */
  readonly platform: string;
  /** Folder of the onnxruntime-node package. */
  readonly packageFolder: string;
  /** Folder that holds the provider's files; without it they are fetched. */
  readonly from: string | undefined;
  readonly say: (message: string) => void;
  /** Runs the package's own install script for CUDA 12; returns the end of its output, or why it did not run. */
  readonly fetch: (script: string) => { readonly ok: boolean; readonly output: string };
}

/** Where the files lie in what onnxruntime publishes, and in another checkout. */
const PLACES = [
  '',
  'lib',
  'capi',
  'onnxruntime/capi',
  'runtimes/linux-x64/native',
  'bin/napi-v6/linux/x64',
  'node_modules/onnxruntime-node/bin/napi-v6/linux/x64',
] as const;

/**
 * Puts the CUDA provider beside onnxruntime-node's binding: nothing where whole files are there, else from a folder, whose version
 * must be that of the package, else by the package's install script. Throws RUNTIME with what to do by hand.
 */
export function installCuda(install: CudaInstall): void {
  const { platform, packageFolder, from, say } = install;
  if (platform !== 'linux/x64')
    throw new ThawError('RUNTIME', `onnxruntime-node has no CUDA provider for ${platform}.`, {
      hint: 'CUDA needs Linux on x64; everything runs on the CPU without it.',
    });
  const manifest = join(packageFolder, 'package.json');
  if (!existsSync(manifest))
    throw new ThawError('RUNTIME', 'onnxruntime-node is not installed.', {
      file: packageFolder,
      hint: 'Run `npm run setup` first.',
    });
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const target = join(packageFolder, 'bin', 'napi-v6', 'linux', 'x64');
  if (from === undefined && missingFiles(target).length === 0) {
    say(`the CUDA provider of onnxruntime ${version} is there`);
    return;
  }
  if (from !== undefined) copyProvider(resolve(from), target, version);
  else fetchProvider(install, target, version);
  say(`the CUDA provider of onnxruntime ${version} is installed; \`thaw doctor\` tells what else CUDA needs`);
}

/** Those of the provider's files that are not there, or not as a whole. */
function missingFiles(folder: string): string[] {
  return CUDA_PROVIDER_FILES.filter((name) => {
    try {
      return readSharedLibrary(join(folder, name)).machine !== 'x64';
    } catch {
      return true;
    }
  });
}

function fetchProvider({ packageFolder, fetch, say }: CudaInstall, target: string, version: string): void {
  say(`fetching the CUDA provider of onnxruntime ${version} (some hundred MB) …`);
  const { ok, output } = fetch(join(packageFolder, 'script', 'install.js'));
  const missing = missingFiles(target);
  if (ok && missing.length === 0) return;
  const reason = ok ? `it left no whole ${missing.join(' and ')}` : output;
  throw new ThawError('RUNTIME', `the install script of onnxruntime-node did not succeed: ${reason}.`, {
    hint: byHand(target, version),
  });
}

/** What to do on a machine without the network. */
function byHand(target: string, version: string): string {
  return (
    `Without the network: take ${CUDA_PROVIDER_FILES.join(' and ')} of onnxruntime ${version} for CUDA 12 from a machine where ` +
    '`npm run setup -- --cuda` has worked, from the NuGet package Microsoft.ML.OnnxRuntime.Gpu.Linux ' +
    `${version} (runtimes/linux-x64/native) or from the release archive onnxruntime-linux-x64-gpu_cuda12-${version}, keep ` +
    'libonnxruntime.so beside them, and run `npm run setup -- --cuda --cuda-libs FOLDER`, or copy the two into ' +
    `${target}.`
  );
}

function copyProvider(from: string, target: string, version: string): void {
  const folder = PLACES.map((place) => join(from, place)).find((place) =>
    CUDA_PROVIDER_FILES.every((name) => existsSync(join(place, name))),
  );
  if (folder === undefined)
    throw new ThawError('RUNTIME', `there is no ${CUDA_PROVIDER_FILES.join(' with ')}.`, {
      file: from,
      hint: byHand(target, version),
    });
  expectVersion(folder, version);
  for (const name of CUDA_PROVIDER_FILES) {
    const { machine } = readSharedLibrary(join(folder, name));
    if (machine !== 'x64')
      throw new ThawError('RUNTIME', `expected a library for x64, received one for ${machine}.`, {
        file: join(folder, name),
      });
  }
  if (resolve(folder) === resolve(target)) return;
  for (const name of CUDA_PROVIDER_FILES) replaceFile(join(folder, name), join(target, name));
}

/** Whole or not at all: a copy that is stopped leaves what was there. */
function replaceFile(from: string, to: string): void {
  const temporary = `${to}.${process.pid}.tmp`;
  try {
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
    renameSync(temporary, to);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new ThawError('IO', `cannot be written: ${messageOf(cause)}.`, { file: to, cause });
  }
}

/** A provider of another version than the library that loads it crashes; its own file does not tell the version. */
function expectVersion(folder: string, version: string): void {
  const found = versionOf(folder);
  if (found === version) return;
  const hint =
    found === undefined
      ? 'Keep libonnxruntime.so (or libonnxruntime.so.1) beside the two files as it was published: it tells the version.'
      : 'A provider of another version would crash; get that of the installed one.';
  throw new ThawError(
    'RUNTIME',
    `expected the CUDA provider of onnxruntime ${version}, ${found === undefined ? 'its version cannot be told' : `received ${found}`}.`,
    { file: folder, hint },
  );
}

/**
 * The version of onnxruntime whose files these are: from the symbols of the libonnxruntime beside them, from VERSION_NUMBER of
 * a release archive, or from the manifest of the package that they belong to.
 */
function versionOf(folder: string): string | undefined {
  for (const name of readdirSync(folder).filter((name) => /^libonnxruntime\.so(\.|$)/.test(name))) {
    const exported = exportedVersions(join(folder, name));
    if (exported !== undefined) return exported;
  }
  for (let place = folder, depth = 0; depth < 5; place = dirname(place), depth++) {
    const found = publishedVersion(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function exportedVersions(library: string): string | undefined {
  try {
    const [version] = readSharedLibrary(library).exportedVersions;
    return version?.slice('VERS_'.length);
  } catch {
    return undefined;
  }
}

function publishedVersion(folder: string): string | undefined {
  const text = (name: string) => {
    const path = join(folder, name);
    return existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  };
  const number = text('VERSION_NUMBER')?.trim();
  if (number !== undefined) return number;
  const nuspec = existsSync(folder)
    ? readdirSync(folder).find((name) => name.endsWith('.nuspec'))
    : undefined;
  if (nuspec !== undefined && /onnxruntime/i.test(nuspec))
    return /<version>([^<]+)<\/version>/.exec(text(nuspec) ?? '')?.[1];
  if (basename(folder) === 'onnxruntime-node')
    return (JSON.parse(text('package.json') ?? '{}') as { version?: string }).version;
  return undefined;
}

/** Runs an install script of onnxruntime-node for CUDA 12, showing what it says. */
export function runInstallScript(script: string): { readonly ok: boolean; readonly output: string } {
  const proxy = process.env.HTTPS_PROXY ?? process.env.https_proxy;
  const result = spawnSync(process.execPath, [script], {
    env: {
      ...process.env,
      ONNXRUNTIME_NODE_INSTALL: 'cuda12',
      // The script asks for this one alone.
      ...(proxy === undefined ? {} : { GLOBAL_AGENT_HTTPS_PROXY: proxy }),
    },
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
    timeout: 3_600_000,
  });
  if (result.status === 0) return { ok: true, output: '' };
  const lines = (result.stderr ?? '').split('\n').map((line) => line.trim());
  const reason = lines.find((line) => /^(\w*Error|Error)\b/.test(line)) ?? lines.findLast(Boolean);
  return {
    ok: false,
    output: (result.error?.message ?? reason ?? `exit status ${result.status}`).replace(/\.$/, ''),
  };
}
