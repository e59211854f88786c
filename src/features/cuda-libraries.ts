import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A library that the CUDA provider is linked to, and whether the dynamic loader would find it. */
export interface CudaLibrary {
  /** As the provider names it: `libcudnn.so.9`. */
  readonly name: string;
  /** Where it is; undefined when it was not found. */
  readonly path?: string;
  /** Full version of the file that was found, as far as its name tells: `9.4.0`. */
  readonly version?: string;
  /** For a library that was not found: what it is, what is there instead, and how to get it. One sentence each. */
  readonly advice?: string;
}

/**
 * What onnxruntime's provider for CUDA 12 is linked to. Used only as long as the provider is not installed: then its own list
 * is read.
 */
export const CUDA_12_LIBRARIES = [
  'libcublasLt.so.12',
  'libcublas.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libcudart.so.12',
  'libcudnn.so.9',
] as const;

interface Product {
  readonly what: string;
  readonly pip: string;
  readonly conda: string;
}

const PRODUCTS: Readonly<Record<string, Product>> = {
  libcudart: { what: 'the CUDA runtime', pip: 'nvidia-cuda-runtime-cu12', conda: 'cuda-cudart' },
  libcublas: { what: 'cuBLAS', pip: 'nvidia-cublas-cu12', conda: 'libcublas' },
  libcublasLt: { what: 'cuBLASLt (comes with cuBLAS)', pip: 'nvidia-cublas-cu12', conda: 'libcublas' },
  libcufft: { what: 'cuFFT', pip: 'nvidia-cufft-cu12', conda: 'libcufft' },
  libcurand: { what: 'cuRAND', pip: 'nvidia-curand-cu12', conda: 'libcurand' },
  libcudnn: { what: 'cuDNN', pip: 'nvidia-cudnn-cu12', conda: 'cudnn' },
  libnvrtc: { what: 'the CUDA compiler library', pip: 'nvidia-cuda-nvrtc-cu12', conda: 'cuda-nvrtc' },
};

/** Libraries of the C and C++ runtime, which are on every machine that runs Node, and the provider's own. */
const SYSTEM = /^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so|ld-linux|libonnxruntime)/;

/** Those of the needed libraries that a machine may lack. */
export function foreignLibraries(needed: readonly string[]): string[] {
  return needed.filter((name) => !SYSTEM.test(name));
}

/**
 * Looks for libraries as the dynamic loader does (ld.so(8)): in `folders` in order, then in its cache, as `ldconfig -p` lists
 * it. One that is there in another major version is named in the advice.
 */
export function findLibraries(
  names: readonly string[],
  folders: readonly string[],
  ldconfig: string,
): CudaLibrary[] {
  const cache = new Map(
    [...ldconfig.matchAll(/^\s*(\S+) \([^)]*x86-64[^)]*\) => (.+)$/gm)].map(([, name = '', path = '']) => [
      name,
      path,
    ]),
  );
  return names.map((name) => {
    const cached = cache.get(name);
    const places = [
      ...folders.map((folder) => join(folder, name)),
      ...(cached === undefined ? [] : [cached]),
    ];
    const path = places.find((place) => existsSync(place));
    if (path === undefined) return { name, advice: adviceFor(name, folders, cache) };
    const version = fullVersion(path);
    return { name, path, ...(version === undefined ? {} : { version }) };
  });
}

/** `12.4.127` of `libcudart.so.12` → `libcudart.so.12.4.127`; undefined where the file's name says no more than the link's. */
function fullVersion(path: string): string | undefined {
  try {
    return /\.so\.(\d+(?:\.\d+)+)$/.exec(basename(realpathSync(path)))?.[1];
  } catch {
    return undefined;
  }
}

function adviceFor(name: string, folders: readonly string[], cache: ReadonlyMap<string, string>): string {
  const [, stem = name, version = ''] = /^(\w+)\.so\.?([\d.]*)$/.exec(name) ?? [];
  const product = PRODUCTS[stem];
  const others = otherVersions(stem, version, folders, cache);
  const there =
    others.length === 0 ? '' : ` Another version is there (${others.join(', ')}); it does not do.`;
  if (product === undefined) return `Library ${name} of CUDA.${there}`;
  return `This is ${product.what}, version ${version}.${there} pip: ${product.pip}; conda: ${product.conda}.`;
}

/** Neighbouring major versions are looked for by name: folders such as /usr/lib are too large to list. */
function otherVersions(
  stem: string,
  version: string,
  folders: readonly string[],
  cache: ReadonlyMap<string, string>,
): string[] {
  const wanted = Number(version);
  const near = [-3, -2, -1, 1, 2, 3].map((step) => `${stem}.so.${wanted + step}`);
  const cached = [...cache.keys()].filter((name) => name.startsWith(`${stem}.so.`));
  const places = [...folders, ...new Set([...cache.values()].map(dirname))];
  const found = near.filter((name) => places.some((folder) => existsSync(join(folder, name))));
  return [...new Set([...cached, ...found])];
}
