import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { contentId } from '../base/hash.js';
import { featureNames } from './names.js';
import type { RadiomicsOptions } from './options.js';
import type { RegressionTable } from './regression-input.js';
import { resolveOptions } from './resolve.js';

/** Counted up when the same options would give other values of the same pixels, or files another layout. */
export const RADIOMICS_VERSION = 1;

/** Everything that decides the values of a store; the number of threads is not part of it. */
export interface RadiomicsKey {
  /** Id of the image store. */
  readonly images: string;
  /** `radiomicsFingerprint` of the options. */
  readonly features: string;
}

/** `index.json` of a complete store, written last: a store without it does not exist. */
export interface RadiomicsStoreIndex {
  readonly version: number;
  /** Content address: hash of `key`. */
  readonly id: string;
  readonly key: RadiomicsKey;
  readonly rows: number;
  /** Columns, in order. */
  readonly names: readonly string[];
  /** Rows of images that could not be read; their features are those of a black image and must not be used. */
  readonly quarantinedRows: readonly number[];
  /** Images of which some or all features are undefined, and why. */
  readonly problems: readonly { readonly row: number; readonly reason: string }[];
  /** Wall seconds of all runs that made it, without waiting for images to be decoded. */
  readonly extractSeconds: number;
  readonly imagesPerSecond: number;
}

/** Hand-made features on disk: `values.bin` is float64 [rows × names], little endian, no header; NaN = undefined. */
export interface RadiomicsStore {
  readonly folder: string;
  readonly index: RadiomicsStoreIndex;
}

export const VALUES_FILE = 'values.bin';
export const INDEX_FILE = 'index.json';
export const BYTES_PER_VALUE = Float64Array.BYTES_PER_ELEMENT;
const REMOVE_HINT = 'Delete the folder; the features are then extracted again.';

const count = z.int().nonnegative();
const indexSchema = z.object({
  version: z.literal(RADIOMICS_VERSION),
  id: z.string(),
  key: z.object({ images: z.string(), features: z.string() }),
  rows: count,
  names: z.array(z.string()).min(1),
  quarantinedRows: z.array(count),
  problems: z.array(z.object({ row: count, reason: z.string() })),
  extractSeconds: z.number().nonnegative(),
  imagesPerSecond: z.number().nonnegative(),
});

/** Content address of what is computed of an image. Throws CONFIG for options that make no sense. */
export function radiomicsFingerprint(options: RadiomicsOptions): string {
  return contentId({
    version: RADIOMICS_VERSION,
    options: resolveOptions(options),
    names: featureNames(options),
  });
}

/** Folder in which the features of `key` lie, or will. */
export function radiomicsStoreFolder(key: RadiomicsKey, cache: string): string {
  return join(cache, 'radiomics', contentId({ images: key.images, features: key.features }));
}

/** The complete store of `key`, undefined where there is none. Throws STORE when there is one that is damaged. */
export async function findRadiomicsStore(
  key: RadiomicsKey,
  cache: string,
): Promise<RadiomicsStore | undefined> {
  const folder = radiomicsStoreFolder(key, cache);
  try {
    await stat(join(folder, INDEX_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(error, folder, 'read');
  }
  return openRadiomicsStore(folder);
}

/**
 * Opens a complete store: reads its index and checks it and the size of its values (not the values).
 * Throws IO when there is none and STORE when index and values do not belong together.
 */
export async function openRadiomicsStore(folder: string): Promise<RadiomicsStore> {
  const path = join(folder, INDEX_FILE);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw ioError(cause, path, 'read');
  });
  let index: RadiomicsStoreIndex;
  try {
    index = indexSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ThawError('STORE', `expected the index of radiomics features: ${messageOf(cause)}.`, {
      file: path,
      hint: REMOVE_HINT,
      cause,
    });
  }
  if (index.id !== basename(folder))
    throw new ThawError(
      'STORE',
      `expected the index of store ${basename(folder)}, received that of ${index.id}.`,
      { file: path, hint: REMOVE_HINT },
    );
  await checkSize(folder, index);
  return { folder, index };
}

async function checkSize(folder: string, { rows, names }: RadiomicsStoreIndex): Promise<void> {
  const path = join(folder, VALUES_FILE);
  const expected = rows * names.length * BYTES_PER_VALUE;
  const { size } = await stat(path).catch((cause) => {
    throw ioError(cause, path, 'read');
  });
  if (size === expected) return;
  throw new ThawError('STORE', `expected ${expected} bytes of features, received ${size}.`, {
    file: path,
    hint: REMOVE_HINT,
  });
}

/** All features of a store, [rows × names], as regressions take them. */
export async function readRadiomics({ folder, index }: RadiomicsStore): Promise<RegressionTable> {
  const path = join(folder, VALUES_FILE);
  const bytes = await readFile(path).catch((cause) => {
    throw ioError(cause, path, 'read');
  });
  // A buffer of the pool may begin anywhere; numbers need their alignment.
  const own = bytes.byteOffset % BYTES_PER_VALUE === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  const values = new Float64Array(own.buffer, own.byteOffset, own.byteLength / BYTES_PER_VALUE);
  return { names: index.names, values };
}
