import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { sha256 } from '../base/hash.js';
import { type ImageLayout, rowBytes } from './geometry.js';

export interface QuarantinedImage {
  readonly row: number;
  readonly path: string;
  readonly reason: string;
}

/** `index.json` of a complete image store, written last: a store without it does not exist. */
export interface ImageStoreIndex {
  readonly version: 1;
  /** Content address: images (path, size, modification time) and layout. */
  readonly id: string;
  readonly layout: ImageLayout;
  /** As many as the data set has entries; a quarantined row holds zeros. */
  readonly rows: number;
  /** SHA-256 over `digests.bin`, so over all pixels and which rows are quarantined: what trials are identified by. */
  readonly contentHash: string;
  readonly quarantine: readonly QuarantinedImage[];
  /** Wall seconds of making it, all runs together when it was resumed. */
  readonly decodeSeconds: number;
}

/** A complete image store on disk: `data.bin` is uint8 [rows, size, size, channels]. */
export interface ImageStore {
  readonly folder: string;
  readonly dataPath: string;
  readonly index: ImageStoreIndex;
}

export const DATA_FILE = 'data.bin';
export const INDEX_FILE = 'index.json';
/** [rows] × 16 bytes: the first half of the SHA-256 of each row's pixels, zeros for a quarantined row. */
export const DIGESTS_FILE = 'digests.bin';
export const DIGEST_BYTES = 16;

/** An `ImageLayout` as files hold it. */
export const layoutSchema = z.object({
  size: z.int().positive(),
  geometry: z.enum(['fill', 'fit', 'crop']),
  channels: z.union([z.literal(1), z.literal(3)]),
  window: z
    .union([
      z.object({ name: z.string() }),
      z.object({ percentile: z.tuple([z.number(), z.number()]) }),
      z.object({ center: z.number(), width: z.number() }),
    ])
    .optional(),
});

const indexSchema: z.ZodType<ImageStoreIndex> = z.object({
  version: z.literal(1),
  id: z.string(),
  layout: layoutSchema,
  rows: z.int().positive(),
  contentHash: z.string(),
  quarantine: z.array(z.object({ row: z.int().nonnegative(), path: z.string(), reason: z.string() })),
  decodeSeconds: z.number().nonnegative(),
});

/** Folder of the store with this content address; it exists once the store is complete. */
export function imageStoreFolder(cache: string, id: string): string {
  return join(cache, 'images', id);
}

/**
 * Opens a complete image store and checks its index, the size of its data and its digests.
 * Throws IO where there is none, STORE where it is damaged.
 */
export async function openImageStore(folder: string): Promise<ImageStore> {
  const store = await findCompleteStore(folder);
  if (store === undefined) {
    throw new ThawError('IO', 'expected an image store, found no index.', {
      file: join(folder, INDEX_FILE),
      hint: 'Run the ingest of the data set.',
    });
  }
  return store;
}

/** The store in `folder`, undefined where there is none yet; throws STORE where it is damaged. */
export async function findCompleteStore(folder: string): Promise<ImageStore | undefined> {
  const indexPath = join(folder, INDEX_FILE);
  let text: string;
  try {
    text = await readFile(indexPath, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(cause, indexPath, 'read');
  }
  let index: ImageStoreIndex;
  try {
    index = indexSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(folder, `the index cannot be read: ${messageOf(cause)}.`, cause);
  }
  if (index.id !== basename(folder)) {
    throw damaged(folder, `expected the index of store ${basename(folder)}, received that of ${index.id}.`);
  }
  await checkFiles(folder, index);
  return { folder, dataPath: join(folder, DATA_FILE), index };
}

async function checkFiles(folder: string, index: ImageStoreIndex): Promise<void> {
  const expected = index.rows * rowBytes(index.layout);
  try {
    const { size } = await stat(join(folder, DATA_FILE));
    if (size !== expected) throw damaged(folder, `expected ${expected} bytes of pixels, found ${size}.`);
    const digests = await readFile(join(folder, DIGESTS_FILE));
    if (digests.byteLength !== index.rows * DIGEST_BYTES || sha256(digests) !== index.contentHash) {
      throw damaged(folder, 'the digests of the rows are not those of the index.');
    }
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw damaged(folder, `a file of the store cannot be read: ${messageOf(cause)}.`, cause);
  }
}

function damaged(folder: string, summary: string, cause?: unknown): ThawError {
  return new ThawError('STORE', summary, {
    file: folder,
    hint: 'Delete this folder; it will be made again.',
    ...(cause === undefined ? {} : { cause }),
  });
}
