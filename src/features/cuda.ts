import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { messageOf } from '../base/errors.js';

/** Whether onnxruntime's CUDA execution provider can run here, and what it lacks. */
export interface CudaReport {
  readonly available: boolean;
  /** Libraries (file names) and driver that were not found. */
  readonly missing: readonly string[];
  readonly note: string;
}

/** What is asked of the machine; tests give answers of their own. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Folder of the onnxruntime binding, undefined when the package is not installed. */
  readonly bindingFolder: string | undefined;
  readonly version: string;
  /** Folders that the dynamic loader searches before its cache (`LD_LIBRARY_PATH`). */
  readonly libraryPath: readonly string[];
  readonly driverFile: string;
  /** Standard output of a command, undefined when it does not run or fails. */
  readonly run: (command: string, args: readonly string[]) => string | undefined;
}

/** Files that the npm package lacks and that bring the CUDA execution provider. */
export const CUDA_PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

/**
 * CUDA libraries that the provider of onnxruntime 1.30 for CUDA 12 is linked to. Used only until the provider itself is
 * there: then the loader (`ldd`) is asked what it really needs.
 */
const CUDA_12_LIBRARIES = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcudnn.so.9',
] as const;

export const CUDA_INSTALL_HINT =
  'Install the CUDA provider with `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js` ' +
  '(docs/features.md says how without the network), or set `device: cpu`.';

/** Looks for everything that the CUDA provider needs. Never throws. */
export function probeCuda(machine: Machine): CudaReport {
  const report = (missing: readonly string[], note: string): CudaReport => ({
    available: missing.length === 0,
    missing,
    note,
  });
  try {
    const platform = `${machine.platform}/${machine.arch}`;
    if (machine.bindingFolder === undefined)
      return report(['onnxruntime-node'], `the package onnxruntime-node is not installed for ${platform}`);
    if (platform !== 'linux/x64')
      return report([...CUDA_PROVIDER_FILES], `onnxruntime-node has no CUDA provider for ${platform}`);
    const missing = [...missingProviderFiles(machine.bindingFolder), ...missingCudaLibraries(machine)];
    if (!hasDriver(machine)) missing.push('NVIDIA driver');
    return report(missing, missing.length === 0 ? 'ready' : CUDA_INSTALL_HINT);
  } catch (error) {
    return report([...CUDA_PROVIDER_FILES], `the probe failed: ${messageOf(error)}`);
  }
}

/** The provider libraries that are not beside the binding (quick: two look-ups, no process is started). */
export function missingProviderFiles(bindingFolder: string): string[] {
  return CUDA_PROVIDER_FILES.filter((file) => !existsSync(join(bindingFolder, file)));
}

/** Folder of the binding and version of the onnxruntime-node that `import` finds. */
export function onnxruntimePackage(): { bindingFolder: string | undefined; version: string } {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve('onnxruntime-node/package.json');
    const { version } = require(manifest) as { version: string };
    const folder = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch);
    return { bindingFolder: existsSync(folder) ? folder : undefined, version };
  } catch {
    return { bindingFolder: undefined, version: 'unknown' };
  }
}

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    ...onnxruntimePackage(),
    libraryPath: (process.env.LD_LIBRARY_PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    driverFile: '/proc/driver/nvidia/version',
    run: (command, args) => {
      const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
      return status === 0 ? stdout : undefined;
    },
  };
}

function missingCudaLibraries(machine: Machine): string[] {
  const provider = join(machine.bindingFolder as string, 'libonnxruntime_providers_cuda.so');
  const linked = existsSync(provider) ? machine.run('ldd', [provider]) : undefined;
  if (linked !== undefined) return unresolvedLibraries(linked);
  const cached = loaderCache(machine);
  const beside = machine.libraryPath.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  const known = new Set([...cached, ...beside]);
  return CUDA_12_LIBRARIES.filter((library) => !known.has(library));
}

/** The `name => not found` lines of `ldd`. */
function unresolvedLibraries(lddOutput: string): string[] {
  return [...lddOutput.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1] as string);
}

/** Names in the loader's cache; `ldconfig` is not on the PATH of every user. */
function loaderCache(machine: Machine): string[] {
  const listing = machine.run('ldconfig', ['-p']) ?? machine.run('/sbin/ldconfig', ['-p']) ?? '';
  return [...listing.matchAll(/^\s*(\S+) \(/gm)].map((match) => match[1] as string);
}

function hasDriver(machine: Machine): boolean {
  return existsSync(machine.driverFile) || machine.run('nvidia-smi', ['-L'])?.includes('GPU') === true;
}
