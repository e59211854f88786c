import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throwIfAborted } from '../base/abort.js';
import { messageOf, ThawError } from '../base/errors.js';
import { decodeImage } from '../image/decode.js';
import { rowBytes } from '../image/geometry.js';
import { sigmoid, softmax } from '../stats/probability.js';
import type { ImageReading, OutputKind } from './exported-model.js';
import type { ImageNetwork } from './network.js';

/** What a network says about one file, or why it says nothing. */
export type Prediction =
  | {
      readonly file: string;
      /** [outputs] each, the mean over the views. */
      readonly logits: Float32Array;
      readonly probabilities: readonly number[];
    }
  | { readonly file: string; readonly error: string };

export interface PredictOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a network says about image files, in their order: decoded and laid out as an ingest does it, shown in the model's views. A
 * file that is no readable image has the reason in its place, and so has one that gives numbers that are not finite. The next
 * images are decoded while the network looks at a batch. Throws IO when the machine fails rather than a file, ABORTED.
 */
export async function* predictImages(
  network: ImageNetwork,
  reading: ImageReading,
  files: readonly string[],
  options: PredictOptions = {},
): AsyncGenerator<Prediction> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-images-'));
  const decode = (first: number) => decodeAll(files.slice(first, first + network.batch), reading);
  try {
    let upcoming = decode(0);
    for (let first = 0; first < files.length; first += network.batch) {
      const images = await upcoming;
      throwIfAborted(options.signal, 'Nothing was written for the images that were left.');
      upcoming = decode(first + network.batch);
      // Awaited in the next turn; an error of this one comes first.
      upcoming.catch(() => {});
      const logits = await lookAt(network, images, join(folder, `${first}.bin`), reading);
      for (const image of images) yield predictionOf(image, logits, reading.kind);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** [outputs] probabilities of one image's logits. */
export function probabilitiesOf(logits: Float32Array, kind: OutputKind): number[] {
  return kind === 'multiclass' ? [...softmax(logits)] : Array.from(logits, sigmoid);
}

type Decoded = { readonly file: string } & ({ readonly pixels: Uint8Array } | { readonly error: string });

async function decodeAll(files: readonly string[], { images }: ImageReading): Promise<Decoded[]> {
  return Promise.all(
    files.map(async (file) => {
      try {
        return { file, pixels: await decodeImage(file, images) };
      } catch (error) {
        if (error instanceof ThawError && error.code === 'IMAGE') return { file, error: error.summary };
        throw error;
      }
    }),
  );
}

/** The logits of those images that could be decoded, which are written to a file for as long as the network looks at it. */
async function lookAt(
  network: ImageNetwork,
  images: readonly Decoded[],
  dataPath: string,
  { images: layout }: ImageReading,
): Promise<ReadonlyMap<Decoded, Float32Array>> {
  const readable = images.filter((image) => 'pixels' in image);
  const logits = new Map<Decoded, Float32Array>();
  if (readable.length === 0) return logits;
  const handle = await open(dataPath, 'w').catch((cause) => {
    throw new ThawError('IO', `cannot write (${messageOf(cause)}).`, { file: dataPath, cause });
  });
  try {
    for (const [row, { pixels }] of readable.entries())
      await handle.write(pixels, 0, pixels.byteLength, row * rowBytes(layout));
  } finally {
    await handle.close();
  }
  const rows = Uint32Array.from(readable, (_, row) => row);
  const values = await network.run({ dataPath, rows: readable.length }, rows);
  const outputs = values.length / readable.length;
  for (const [row, image] of readable.entries())
    logits.set(image, values.slice(row * outputs, (row + 1) * outputs));
  await rm(dataPath, { force: true });
  return logits;
}

function predictionOf(
  image: Decoded,
  logits: ReadonlyMap<Decoded, Float32Array>,
  kind: OutputKind,
): Prediction {
  const { file } = image;
  if ('error' in image) return { file, error: image.error };
  const own = logits.get(image)!;
  const wrong = own.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) return { file, error: `the network gives ${wrong}.` };
  return { file, logits: own, probabilities: probabilitiesOf(own, kind) };
}
