import { closeSync, openSync, read } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { throwIfAborted, unlessAborted } from '../base/abort.js';
import { withClaim } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { Progress } from '../base/progress.js';
import { extractRadiomics } from './extract.js';
import { featureNames } from './names.js';
import type { RadiomicsOptions } from './options.js';
import {
  findRadiomicsStore,
  RADIOMICS_VERSION,
  type RadiomicsKey,
  type RadiomicsStore,
  radiomicsFingerprint,
  radiomicsStoreFolder,
} from './store.js';
import { type RadiomicsJournal, RadiomicsWriter } from './store-writer.js';

/** The images of an image store, complete or still being made. */
export interface StoredImages {
  /** Content address of the image store. */
  readonly id: string;
  /** uint8 [rows, size, size, channels], in its full length once row 0 is ready; may change when the store is complete. */
  readonly dataPath: string;
  readonly rows: number;
  readonly layout: { readonly size: number; readonly channels: 1 | 3 };
  /** Resolves when the first `rows` rows can be read; absent for a complete store. */
  ready?(rows: number): Promise<void>;
  /** Rows without an image, known when all are decoded. */
  quarantine(): readonly number[] | Promise<readonly number[]>;
}

export interface MakeRadiomicsOptions {
  readonly images: StoredImages;
  readonly options: RadiomicsOptions;
  /** Name of the source, for progress. */
  readonly name: string;
  readonly cache: string;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Bytes of pixels that are read, extracted and journalled at once. */
  readonly chunkBytes?: number;
}

/** Large enough that threads which wait for the last image of a chunk cost little. */
const CHUNK_BYTES = 32 << 20;
const RESUME_HINT = 'Run it again: it goes on where it stopped.';

/** What the features of these options are addressed by. */
export function radiomicsKey({
  images,
  options,
}: {
  readonly images: { readonly id: string };
  readonly options: RadiomicsOptions;
}): RadiomicsKey {
  return { images: images.id, features: radiomicsFingerprint(options) };
}

/**
 * The hand-made features of every stored image, computed once: reads the store of the same key where there is one, goes on with
 * what a stopped or killed run has left, waits while another process makes it, and follows a running ingest through `ready`.
 * Features see the stored pixels: 0 … 255, at the size of the store, a pixel being a millimetre; colour becomes luma (ITU-R BT.601),
 * rounded. Throws CONFIG for options that make no sense, ABORTED (resumable), IO.
 */
export async function makeRadiomicsStore(work: MakeRadiomicsOptions): Promise<RadiomicsStore> {
  const key = radiomicsKey(work);
  const complete = await findIntact(key, work);
  if (complete !== undefined) return complete;
  return withClaim(
    radiomicsStoreFolder(key, work.cache),
    async (signal) => (await findIntact(key, work)) ?? (await make(key, work, signal)),
    {
      signal: work.signal,
      onWait: ({ pid, host }) =>
        work.progress.note(
          `waiting for process ${pid} on ${host.split(' ')[0]}, which extracts the same features`,
        ),
    },
  );
}

/** The complete store; a damaged one is removed (what is derived can be derived again). */
async function findIntact(
  key: RadiomicsKey,
  { cache, progress }: MakeRadiomicsOptions,
): Promise<RadiomicsStore | undefined> {
  try {
    return await findRadiomicsStore(key, cache);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'STORE') throw error;
    progress.note(`damaged features are extracted again: ${error.summary}`);
    await rm(radiomicsStoreFolder(key, cache), { recursive: true, force: true });
    return undefined;
  }
}

async function make(
  key: RadiomicsKey,
  work: MakeRadiomicsOptions,
  signal: AbortSignal,
): Promise<RadiomicsStore> {
  const { images, options } = work;
  const names = featureNames(options);
  const folder = radiomicsStoreFolder(key, work.cache);
  const writer = await RadiomicsWriter.open(folder, names.length);
  try {
    const made = await extractRows(work, writer, signal);
    const missing = await unlessAborted(Promise.resolve(images.quarantine()), signal, RESUME_HINT);
    const quarantined = new Set(missing);
    const problems = made.problems.filter(({ row }) => !quarantined.has(row));
    tellProblems(work, problems);
    return await writer.complete({
      version: RADIOMICS_VERSION,
      id: basename(folder),
      key,
      rows: images.rows,
      names,
      quarantinedRows: [...quarantined].sort((a, b) => a - b),
      problems,
      extractSeconds: made.seconds,
      imagesPerSecond: made.seconds > 0 ? images.rows / made.seconds : 0,
    });
  } finally {
    await writer.close();
  }
}

/** Extracts the rows that are not there yet, chunk by chunk; resolves to the journal of all. */
async function extractRows(
  work: MakeRadiomicsOptions,
  writer: RadiomicsWriter,
  signal: AbortSignal,
): Promise<RadiomicsJournal> {
  const { images, options, threads } = work;
  const { size, channels } = images.layout;
  const rowBytes = size * size * channels;
  const step = Math.max(1, Math.floor((work.chunkBytes ?? CHUNK_BYTES) / rowBytes));
  let journal = writer.resumed;
  if (journal.rows >= images.rows) return journal;
  const task = work.progress.start(`extract radiomics of ${work.name}`, images.rows, 'images', journal.rows);
  let pixels: PixelFile | undefined;
  try {
    for (let first = journal.rows; first < images.rows; first += step) {
      const count = Math.min(step, images.rows - first);
      if (images.ready !== undefined) await unlessAborted(images.ready(first + count), signal, RESUME_HINT);
      throwIfAborted(signal, RESUME_HINT);
      const started = performance.now();
      pixels ??= new PixelFile(images);
      const grey = greyOf(await pixels.read(first, count), channels);
      let shown = 0;
      const table = await extractRadiomics(
        Array.from({ length: count }, (_, index) => ({
          pixels: grey.subarray(index * size * size, (index + 1) * size * size),
          width: size,
          height: size,
          name: `row ${first + index + 1}`,
        })),
        options,
        {
          threads,
          signal,
          onProgress: (done) => {
            task.advance(done - shown);
            shown = done;
          },
        },
      );
      const found = table.problems.flatMap((reason, index) =>
        reason === undefined ? [] : [{ row: first + index, reason }],
      );
      journal = {
        rows: first + count,
        seconds: journal.seconds + (performance.now() - started) / 1000,
        problems: [...journal.problems, ...found],
      };
      await writer.write(table.values, first, journal);
    }
  } finally {
    pixels?.close();
    task.finish();
  }
  return journal;
}

/** The pixels of a store; what was opened stays valid when the store is renamed. */
class PixelFile {
  private readonly descriptor: number;
  private readonly rowBytes: number;

  constructor(private readonly images: StoredImages) {
    const { size, channels } = images.layout;
    this.rowBytes = size * size * channels;
    const path = images.dataPath;
    try {
      this.descriptor = openSync(path, 'r');
    } catch (error) {
      // Another process may just have completed and renamed the store.
      if (images.dataPath === path) throw ioError(error, path, 'read');
      this.descriptor = openSync(images.dataPath, 'r');
    }
  }

  async read(firstRow: number, rows: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(rows * this.rowBytes);
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesRead } = await promisify(read)(
        this.descriptor,
        bytes,
        done,
        bytes.byteLength - done,
        firstRow * this.rowBytes + done,
      );
      if (bytesRead === 0)
        throw new ThawError('STORE', 'the image store is shorter than its index says.', {
          file: this.images.dataPath,
        });
      done += bytesRead;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Luma of ITU-R BT.601, rounded; grey pixels as they are. */
export function greyOf(pixels: Uint8Array, channels: 1 | 3): Uint8Array {
  if (channels === 1) return pixels;
  const grey = new Uint8Array(pixels.length / 3);
  for (let index = 0, at = 0; index < grey.length; index++, at += 3)
    grey[index] = Math.round(0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!);
  return grey;
}

function tellProblems(
  { images, name, progress }: MakeRadiomicsOptions,
  problems: RadiomicsJournal['problems'],
): void {
  const counts = new Map<string, number>();
  for (const { reason } of problems) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of counts)
    progress.note(`${name}: features of ${count} of ${images.rows} images are undefined: ${reason}`);
}
