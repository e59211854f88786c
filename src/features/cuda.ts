import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { CUDA_12_LIBRARIES, findLibraries, foreignLibraries } from './cuda-libraries.js';
import { readSharedLibrary } from './elf.js';

/** Something that the CUDA provider needs: a file of its own, a library, the driver. */
export interface CudaPart {
  readonly name: string;
  /** Where it is and of which version; undefined when it is missing or does not do. */
  readonly found?: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Whether onnxruntime's CUDA execution provider can run here, and what it lacks. */
export interface CudaReport {
  readonly available: boolean;
  /** All that it needs, in the order in which to get it. */
  readonly parts: readonly CudaPart[];
  /** Names of the parts that were not found. */
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
  /** `CUDA_VISIBLE_DEVICES`, where it is set. */
  readonly visibleDevices?: string | undefined;
  /** Standard output of a command, undefined when it does not run or fails. */
  readonly run: (command: string, args: readonly string[]) => string | undefined;
}

/** Files that the npm package lacks and that bring the CUDA execution provider. */
export const CUDA_PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

const CUDA_PROVIDER = CUDA_PROVIDER_FILES[1];

/** The oldest driver on which programs of CUDA 12 run (CUDA compatibility guide, minor version compatibility). */
const OLDEST_DRIVER = [525, 60, 13] as const;

export const CUDA_INSTALL_HINT =
  'Install the CUDA provider with `npm run setup -- --cuda` (docs/features.md says how without the network), see with ' +
  '`thaw doctor` what is missing, or set `device: cpu`.';

/** Looks for everything that the CUDA provider needs. Never throws. */
export function probeCuda(machine: Machine): CudaReport {
  try {
    const platform = `${machine.platform}/${machine.arch}`;
    if (machine.bindingFolder === undefined)
      return unavailable(
        ['onnxruntime-node'],
        `the package onnxruntime-node is not installed for ${platform}`,
      );
    if (platform !== 'linux/x64')
      return unavailable(CUDA_PROVIDER_FILES, `onnxruntime-node has no CUDA provider for ${platform}`);
    const parts = [driver(machine), ...providerFiles(machine.bindingFolder), ...libraries(machine)];
    const missing = parts.filter(({ found }) => found === undefined).map(({ name }) => name);
    const note = missing.length === 0 ? 'ready' : CUDA_INSTALL_HINT;
    return { available: missing.length === 0, parts, missing, note };
  } catch (error) {
    return unavailable(CUDA_PROVIDER_FILES, `the probe failed: ${messageOf(error)}`);
  }
}

function unavailable(missing: readonly string[], note: string): CudaReport {
  return { available: false, parts: missing.map((name) => ({ name })), missing, note };
}

/**
 * The parts without which it is not worth trying (quick: a few look-ups, no process is started): the provider's files, and
 * any sign of a driver.
 */
export function missingBasics({ bindingFolder, driverFile }: Machine): string[] {
  const files = CUDA_PROVIDER_FILES.filter((file) => !existsSync(join(bindingFolder ?? '', file)));
  return [...(existsSync(driverFile) || existsSync(WSL_DRIVER) ? [] : ['NVIDIA driver']), ...files];
}

const WSL_DRIVER = '/usr/lib/wsl/lib/libcuda.so.1';

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
  // The second: a Node of conda finds the libraries of its environment by its own DT_RPATH.
  const libraryPath = [
    ...(process.env.LD_LIBRARY_PATH ?? '').split(delimiter),
    join(dirname(process.execPath), '..', 'lib'),
  ];
  return {
    platform: process.platform,
    arch: process.arch,
    ...onnxruntimePackage(),
    libraryPath: libraryPath.filter((folder) => folder !== '' && existsSync(folder)),
    driverFile: '/proc/driver/nvidia/version',
    visibleDevices: process.env.CUDA_VISIBLE_DEVICES,
    run: (command, args) => {
      const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
      return status === 0 ? stdout : undefined;
    },
  };
}

function providerFiles(bindingFolder: string): CudaPart[] {
  return CUDA_PROVIDER_FILES.map((name) => {
    const path = join(bindingFolder, name);
    if (!existsSync(path)) return { name, advice: 'Get it with `npm run setup -- --cuda`.' };
    try {
      readSharedLibrary(path);
      return { name, found: path };
    } catch (error) {
      return { name, advice: `${messageOf(error)} Get it again with \`npm run setup -- --cuda\`.` };
    }
  });
}

/** The libraries that the installed provider is linked to; before it is there, those that are known of CUDA 12's. */
function libraries(machine: Machine): CudaPart[] {
  const folder = machine.bindingFolder as string;
  const { needed, runPath } = linkedTo(join(folder, CUDA_PROVIDER));
  const own = runPath.map((path) => path.replace(/\$ORIGIN|\$\{ORIGIN\}/g, folder));
  // `ldconfig` is not on the PATH of every user.
  const ldconfig = machine.run('ldconfig', ['-p']) ?? machine.run('/sbin/ldconfig', ['-p']) ?? '';
  return findLibraries(needed, [...machine.libraryPath, ...own], ldconfig).map(
    ({ name, path, version, advice }) => ({
      name,
      ...(path === undefined ? {} : { found: version === undefined ? path : `${version}, ${path}` }),
      ...(advice === undefined ? {} : { advice }),
    }),
  );
}

function linkedTo(provider: string): { needed: readonly string[]; runPath: readonly string[] } {
  try {
    const { needed, runPath } = readSharedLibrary(provider);
    return { needed: foreignLibraries(needed), runPath };
  } catch {
    return { needed: CUDA_12_LIBRARIES, runPath: [] };
  }
}

function driver(machine: Machine): CudaPart {
  const name = 'NVIDIA driver';
  const minimum = `driver ${OLDEST_DRIVER.join('.')} or newer, which CUDA 12 needs`;
  const gpus = machine
    .run('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader'])
    ?.split('\n')
    .filter((line) => line.includes(','));
  const text = existsSync(machine.driverFile) ? readFileSync(machine.driverFile, 'utf8') : undefined;
  const version = /\d{3,}\.\d+(\.\d+)?/.exec(gpus?.[0]?.split(',').at(-1) ?? text ?? '')?.[0];
  if (gpus === undefined && text === undefined)
    return { name, advice: `There is no NVIDIA GPU, or it has no driver: install ${minimum}.` };
  if (gpus?.length === 0) return { name, advice: 'The driver runs, but nvidia-smi lists no GPU.' };
  if (version !== undefined && isOlder(version))
    return { name, advice: `Version ${version} is there; install ${minimum}.` };
  if (['', '-1'].includes(machine.visibleDevices?.trim() ?? '0'))
    return { name, advice: 'CUDA_VISIBLE_DEVICES hides all GPUs: unset it.' };
  const names = gpus?.map((line) => line.split(',')[0]).join(', ');
  return { name, found: [version ?? 'version unknown', names].filter(Boolean).join(', ') };
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [place, least] of OLDEST_DRIVER.entries()) {
    const difference = (parts[place] ?? 0) - least;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
