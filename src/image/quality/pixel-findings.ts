import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.js';
import { ioError, writeFileAtomic } from '../../base/files.js';
import type { Progress, ProgressTask } from '../../base/progress.js';
import type { Dataset } from '../../data/dataset.js';
import { rowBytes } from '../geometry.js';
import { DIGESTS_FILE, type ImageStore } from '../store.js';
import { Thumbnails } from './correlation.js';
import { type DuplicateGroup, findDuplicates, LEAST_NEAR_SIZE } from './duplicates.js';
import { findInverted, type Polarity } from './inverted.js';
import { HASH_WORDS, PerceptualHasher, VARIANTS } from './perceptual-hash.js';
import { LEAST_DEVIATION, MOST_BLACK, MOST_WHITE, pixelStatistics } from './pixel-statistics.js';
import { type OriginalSizes, originalSizes } from './sizes.js';
import { THUMBNAIL_PIXELS, Thumbnailer } from './thumbnail.js';

/** Raise it when the same pixels would give other findings. */
const VERSION = 1;
const FINDINGS_FILE = 'quality.json';
const CHUNK_BYTES = 4 << 20;

/** What the pixels of an image store say by themselves, whatever the split and the labels. Rows are those of the store. */
export interface PixelFindings {
  readonly version: typeof VERSION;
  /** Of the image store. */
  readonly contentHash: string;
  /** Images that were read (all but the quarantined). */
  readonly images: number;
  readonly sizes: OriginalSizes;
  /** All samples equal, or a standard deviation below 3 grey levels. */
  readonly constant: readonly { readonly row: number; readonly deviation: number }[];
  /** A quarter of the samples or more at 255, or three quarters at 0 (not asked where `fit` pads with it). */
  readonly clipped: readonly { readonly row: number; readonly black: number; readonly white: number }[];
  readonly polarity: Polarity;
  readonly duplicates: readonly DuplicateGroup[];
  /** False where the images are stored too small for it: then only equal pixels were looked for. */
  readonly nearChecked: boolean;
}

export interface FindingsOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads all pixels of a store once (and the headers of the image files) and keeps what it finds beside them in `quality.json`;
 * a later call reads that. Memory: 1.2 KB an image. Throws IO, ABORTED.
 */
export async function pixelFindings(
  dataset: Dataset,
  store: ImageStore,
  options: FindingsOptions,
): Promise<PixelFindings> {
  const earlier = await keptFindings(store);
  if (earlier !== undefined) return earlier;
  const task = options.progress.start('quality', store.index.rows, 'images');
  try {
    const found = await lookThrough(dataset, store, task, options.signal);
    await writeFileAtomic(join(store.folder, FINDINGS_FILE), `${JSON.stringify(found)}\n`).catch((cause) => {
      options.progress.note(`What was found in the pixels is not kept: ${cause.message}`);
    });
    return found;
  } finally {
    task.finish();
  }
}

/** The findings of an earlier call, undefined where there are none. */
export async function keptFindings(store: ImageStore): Promise<PixelFindings | undefined> {
  try {
    const found = JSON.parse(await readFile(join(store.folder, FINDINGS_FILE), 'utf8')) as PixelFindings;
    return found.version === VERSION && found.contentHash === store.index.contentHash ? found : undefined;
  } catch {
    return undefined;
  }
}

async function lookThrough(
  dataset: Dataset,
  store: ImageStore,
  task: ProgressTask,
  signal: AbortSignal | undefined,
): Promise<PixelFindings> {
  const { rows, quarantine, contentHash, layout } = store.index;
  const unread = new Set(quarantine.map(({ row }) => row));
  const thumbnailer = new Thumbnailer(layout);
  const hasher = new PerceptualHasher();
  const thumbnail = new Float64Array(THUMBNAIL_PIXELS);
  const thumbnails = new Thumbnails(rows);
  const words = VARIANTS.length * HASH_WORDS;
  const hashes = new Uint32Array(rows * words);
  const constant: { row: number; deviation: number }[] = [];
  const clipped: { row: number; black: number; white: number }[] = [];
  const compared: number[] = [];
  await forEachRow(store, signal, (row, pixels) => {
    task.advance(1);
    if (unread.has(row)) return;
    const { deviation, black, white } = pixelStatistics(pixels);
    if (deviation < LEAST_DEVIATION) {
      constant.push({ row, deviation });
      return;
    }
    // What `fit` pads is black as well.
    if (white >= MOST_WHITE || (black >= MOST_BLACK && layout.geometry !== 'fit'))
      clipped.push({ row, black, white });
    thumbnailer.reduce(pixels, thumbnail);
    thumbnails.set(row, thumbnail);
    hasher.hash(thumbnail, hashes.subarray(row * words, (row + 1) * words));
    compared.push(row);
  });
  const digests = await readFile(join(store.folder, DIGESTS_FILE)).catch((cause) => {
    throw ioError(cause, join(store.folder, DIGESTS_FILE), 'read');
  });
  const { size } = layout;
  const duplicates = await findDuplicates({ digests, hashes, thumbnails, rows: compared, size }, signal);
  const sizes = await originalSizes(dataset, signal);
  throwIfAborted(signal, 'The images were being looked through.');
  return {
    version: VERSION,
    contentHash,
    images: rows - unread.size,
    sizes,
    constant,
    clipped,
    polarity: findInverted(thumbnails, compared),
    duplicates,
    nearChecked: size >= LEAST_NEAR_SIZE,
  };
}

async function forEachRow(
  store: ImageStore,
  signal: AbortSignal | undefined,
  visit: (row: number, pixels: Uint8Array) => void,
): Promise<void> {
  const bytes = rowBytes(store.index.layout);
  const chunkRows = Math.max(1, Math.floor(CHUNK_BYTES / bytes));
  const chunk = Buffer.alloc(Math.min(chunkRows, store.index.rows) * bytes);
  let file: FileHandle | undefined;
  try {
    file = await open(store.dataPath, 'r');
    for (let first = 0; first < store.index.rows; first += chunkRows) {
      throwIfAborted(signal, 'The images were being looked through.');
      const rows = Math.min(chunkRows, store.index.rows - first);
      await readFully(file, chunk.subarray(0, rows * bytes), first * bytes);
      for (let row = 0; row < rows; row++) visit(first + row, chunk.subarray(row * bytes, (row + 1) * bytes));
    }
  } catch (cause) {
    throw ioError(cause, store.dataPath, 'read');
  } finally {
    await file?.close();
  }
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.byteLength; ) {
    const { bytesRead } = await file.read(target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) throw new Error(`ends ${target.byteLength - done} bytes early`);
    done += bytesRead;
  }
}
