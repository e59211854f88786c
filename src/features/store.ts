import { open, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { contentId } from '../base/hash.js';
import type { ModelInput } from '../model/card.js';
import type { Placement } from './placement.js';
import type { View } from './view.js';
import { viewSchema } from './view-schema.js';

export type FeatureDtype = 'float32' | 'float16';

/** Everything that decides the values of a feature store; batch size, threads and provider are not part of it. */
export interface FeatureKey {
  /** Id of the image store. */
  readonly images: string;
  /** Fingerprint of the model's graph and weights. */
  readonly model: string;
  /** Input normalisation; the size of the network's input is that of the images. */
  readonly input: Omit<ModelInput, 'size'>;
  /** Name of the cut whose activation is stored. */
  readonly cut: string;
  readonly view: View;
  readonly dtype: FeatureDtype;
}

/** `index.json` of a complete feature store, written last: a store without it does not exist. */
export interface FeatureStoreIndex {
  readonly version: 1;
  /** Content address: hash of `key` and `version`. */
  readonly id: string;
  readonly key: FeatureKey;
  readonly dtype: FeatureDtype;
  readonly rows: number;
  /** Shape of one row's activation at the cut, [F] or [C, H, W]. */
  readonly shape: readonly number[];
  /** Rows of images that could not be read; their features are zero and must not be used. */
  readonly quarantinedRows: readonly number[];
  /** What really ran, on what, and why not the first choice if it was another. */
  readonly provider: 'cpu' | 'cuda';
  readonly runtime: 'onnxruntime' | 'engine';
  readonly providerNote?: string;
  /** On a GPU: kernels of one batch by the execution provider that ran them, from onnxruntime's profile. */
  readonly placement?: Placement;
  /** Wall seconds of all runs that made it, without waiting for images to be decoded. */
  readonly extractSeconds: number;
  readonly imagesPerSecond: number;
}

/** A complete feature store on disk: `data.bin` is [rows, ...shape] of `dtype`, little endian, no header. */
export interface FeatureStore {
  readonly folder: string;
  readonly dataPath: string;
  readonly index: FeatureStoreIndex;
}

/** Counted up when the same key would give other values or another layout. */
export const FEATURE_STORE_VERSION = 1;

export const DATA_FILE = 'data.bin';
export const INDEX_FILE = 'index.json';

const count = z.int().nonnegative();
const indexSchema = z.object({
  version: z.literal(FEATURE_STORE_VERSION),
  id: z.string(),
  key: z.object({
    images: z.string(),
    model: z.string(),
    input: z.object({
      channels: z.union([z.literal(1), z.literal(3)]),
      order: z.enum(['RGB', 'BGR']),
      scale: z.number(),
      mean: z.array(z.number()),
      std: z.array(z.number()),
    }),
    cut: z.string(),
    view: viewSchema,
    dtype: z.enum(['float32', 'float16']),
  }),
  dtype: z.enum(['float32', 'float16']),
  rows: count,
  shape: z.array(z.int().positive()).min(1),
  quarantinedRows: z.array(count),
  provider: z.enum(['cpu', 'cuda']),
  // Older stores are onnxruntime's.
  runtime: z.enum(['onnxruntime', 'engine']).default('onnxruntime'),
  providerNote: z.string().optional(),
  placement: z.record(z.string(), count).optional(),
  extractSeconds: z.number().nonnegative(),
  imagesPerSecond: z.number().nonnegative(),
});

const REMOVE_HINT = 'Delete the folder; the features are then extracted again.';

/** Content address of the features that `key` describes. */
export function featureStoreId(key: FeatureKey): string {
  const { channels, order, scale, mean, std } = key.input;
  const input = { channels, order, scale, mean, std };
  const { images, model, cut, view, dtype } = key;
  return contentId({ version: FEATURE_STORE_VERSION, images, model, input, cut, view, dtype });
}

/** Folder in which the features of `key` lie, or will. */
export function featureStoreFolder(key: FeatureKey, cache: string): string {
  return join(cache, 'features', featureStoreId(key));
}

/** Number of elements of one row. */
export function featureCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function bytesPerFeature(dtype: FeatureDtype): 2 | 4 {
  return dtype === 'float16' ? 2 : 4;
}

/** The complete store of `key`, undefined where there is none. Throws STORE when there is one that is damaged. */
export async function findFeatureStore(key: FeatureKey, cache: string): Promise<FeatureStore | undefined> {
  const folder = featureStoreFolder(key, cache);
  try {
    await stat(join(folder, INDEX_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(error, folder, 'read');
  }
  return openFeatureStore(folder);
}

/**
 * Opens a complete store: reads its index and checks it and the size of its data (not the data).
 * Throws IO when there is none and STORE when index and data do not belong together.
 */
export async function openFeatureStore(folder: string): Promise<FeatureStore> {
  const index = await readIndex(join(folder, INDEX_FILE));
  const dataPath = join(folder, DATA_FILE);
  if (index.id !== basename(folder))
    throw new ThawError(
      'STORE',
      `expected the index of store ${basename(folder)}, received that of ${index.id}.`,
      {
        file: join(folder, INDEX_FILE),
        hint: REMOVE_HINT,
      },
    );
  const expected = index.rows * featureCount(index.shape) * bytesPerFeature(index.dtype);
  const { size } = await stat(dataPath).catch((cause) => {
    throw ioError(cause, dataPath, 'read');
  });
  if (size !== expected)
    throw new ThawError('STORE', `expected ${expected} bytes of features, received ${size}.`, {
      file: dataPath,
      hint: REMOVE_HINT,
    });
  return { folder, dataPath, index };
}

/**
 * Features of the given rows as float32, [rows, ...shape]. For checks and exports of a few rows: training maps the file.
 * Throws STORE for a row that the store does not have.
 */
export async function readRows(store: FeatureStore, rows: ArrayLike<number>): Promise<Float32Array> {
  const { dtype, shape } = store.index;
  const columns = featureCount(shape);
  const bytes = new Uint8Array(columns * bytesPerFeature(dtype));
  const values = new Float32Array(rows.length * columns);
  const handle = await open(store.dataPath, 'r');
  try {
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] as number;
      if (!Number.isInteger(row) || row < 0 || row >= store.index.rows)
        throw new ThawError('STORE', `expected a row from 0 to ${store.index.rows - 1}, received ${row}.`, {
          file: store.dataPath,
        });
      await handle.read(bytes, 0, bytes.byteLength, row * bytes.byteLength);
      values.set(decode(bytes, dtype), index * columns);
    }
  } finally {
    await handle.close();
  }
  return values;
}

function decode(bytes: Uint8Array, dtype: FeatureDtype): Float32Array {
  if (dtype === 'float32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return Float32Array.from(
    new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2),
    halfToFloat,
  );
}

/** IEEE 754 binary16 (sign, 5 bits exponent, 10 bits fraction) to a number. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

async function readIndex(path: string): Promise<FeatureStoreIndex> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw ioError(cause, path, 'read');
  });
  try {
    return indexSchema.parse(JSON.parse(text)) as FeatureStoreIndex;
  } catch (cause) {
    throw new ThawError('STORE', `expected the index of a feature store: ${messageOf(cause)}.`, {
      file: path,
      hint: REMOVE_HINT,
      cause,
    });
  }
}
