import { open } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { messageOf, ThawError } from '../base/errors.js';
import type { RawImage } from '../data/dataset.js';
import { DICOM_START_BYTES, isDicom } from '../data/dicom-file.js';
import { contentFault, readSuspect } from './decode-failure.js';
import { DicomPool } from './dicom/pool.js';
import { type Geometry, type ImageLayout, rowBytes } from './geometry.js';
import { sampleDepth } from './sample-depth.js';

export const OPEN: SharpOptions = {
  failOn: 'warning',
  autoOrient: true,
  ignoreIcc: true,
  // The largest radiographs have some 30 megapixels. Some decoders hold a whole image (progressive JPEG), so this bounds
  // one decode to about 300 MB, and decompression bombs are refused.
  limitInputPixels: 100_000_000,
};

const FIT = { fill: 'fill', fit: 'contain', crop: 'cover' } as const satisfies Record<Geometry, string>;
export const BLACK = { r: 0, g: 0, b: 0 };

// Many images are decoded side by side, each on one thread; libvips's cache would serve a file that has been replaced.
sharp.cache(false);
sharp.concurrency(1);
export const dicom = new DicomPool();

/**
 * Decodes one image file (its first page or frame) to uint8 [size, size, channels].
 *
 * - DICOM, known by its content, becomes 8 bits through its window first (`renderDicom`).
 * - Upright: an EXIF orientation is applied before the geometry.
 * - Sample values are taken as stored: 16-bit samples become round(v / 257), 1-, 2- and 4-bit ones are stretched to 0–255,
 *   embedded ICC profiles are ignored (CMYK goes through libvips's generic profile). Grey stays exact.
 * - Colour becomes grey by luminance: 0.2126 R + 0.7152 G + 0.0722 B (Rec. 709) of linear light, sRGB-encoded again.
 * - Transparent pixels are laid over black; an opaque alpha channel changes nothing.
 * - Resampling: shrinking is anti-aliased by a triangle filter as wide as the shrink factor (no ringing at burnt-in
 *   markers, unlike Lanczos), enlarging is bilinear. A JPEG is reduced by its own decoder as far as a factor of 2 is left.
 *
 * Throws IMAGE for a file that is no readable image (`summary` is the reason) and IO when the machine failed rather than
 * the file. At most UV_THREADPOOL_SIZE decodes run at once (libuv's default is 4).
 */
export async function decodeImage(path: string, layout: ImageLayout): Promise<Uint8Array> {
  return lookTwice(path, (input) => decode(input, path, layout));
}

/** What `read` makes of the file or, if it throws what is no ThawError, of the file's bytes. Throws as `decodeImage`. */
export async function lookTwice<Result>(
  path: string,
  read: (input: string | Buffer) => Promise<Result>,
): Promise<Result> {
  try {
    return await read(path);
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
  }
  // Once more from memory: separates the file's faults from the machine's, and a passing fault of a network file system
  // must not cost an image for good.
  const bytes = await readSuspect(path);
  try {
    return await read(bytes);
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw contentFault(path, cause);
  }
}

/**
 * The same for pixels that are decoded already (8-bit ones that have the layout are returned as they are); `name` stands for a
 * file in messages. Throws IMAGE.
 */
export async function layOut(image: RawImage, name: string, layout: ImageLayout): Promise<Uint8Array> {
  const { data, width, height, channels } = image;
  if (width < 1 || height < 1 || data.length !== width * height * channels)
    throw new ThawError(
      'IMAGE',
      `expected ${width} × ${height} × ${channels} numbers but found ${data.length}.`,
      { file: name },
    );
  const { size } = layout;
  if (data instanceof Uint8Array && width === size && height === size && channels === layout.channels)
    return data;
  try {
    const input = sharp(data, { raw: { width, height, channels } });
    return await toLayout(input, data instanceof Uint16Array, layout);
  } catch (cause) {
    throw new ThawError('IMAGE', `the pixels cannot be read: ${messageOf(cause)}.`, { file: name, cause });
  }
}

/**
 * An image file in its own size as 8-bit RGB, upright, its values as `decodeImage` takes them: to draw on. Throws IMAGE for a
 * file that is no readable image.
 */
export async function decodeWhole(path: string, window: ImageLayout['window']): Promise<RawImage> {
  try {
    const start = await readStart(path);
    const raw = isDicom(start) ? await dicom.read(path, window) : undefined;
    const deep =
      raw === undefined
        ? (await sampleDepth(path, start, path, OPEN)) === 16
        : raw.data instanceof Uint16Array;
    const { width = 0, height = 0, channels = 1 } = raw ?? {};
    const input =
      raw === undefined ? sharp(path, OPEN) : sharp(raw.data, { raw: { width, height, channels } });
    const { data, info } = await input
      .flatten({ background: BLACK })
      .toColourspace(deep ? 'rgb16' : 'srgb')
      .raw({ depth: deep ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: 3, data: deep ? toEightBits(data) : data };
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw contentFault(path, cause);
  }
}

async function decode(input: string | Buffer, path: string, layout: ImageLayout): Promise<Uint8Array> {
  const start = typeof input === 'string' ? await readStart(input) : input.subarray(0, DICOM_START_BYTES);
  if (isDicom(start)) return layOut(await dicom.read(path, layout.window), path, layout);
  const deep = (await sampleDepth(input, start, path, OPEN)) === 16;
  return toLayout(sharp(input, OPEN), deep, layout);
}

export async function readStart(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(DICOM_START_BYTES), 0, DICOM_START_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function toLayout(input: Sharp, deep: boolean, layout: ImageLayout): Promise<Uint8Array> {
  const grey = layout.channels === 1;
  const samples = await input
    .flatten({ background: BLACK })
    .resize(layout.size, layout.size, {
      fit: FIT[layout.geometry],
      position: 'centre',
      background: BLACK,
      kernel: 'linear',
      fastShrinkOnLoad: false,
    })
    .toColourspace(deep ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer();
  const pixels = deep ? toEightBits(samples) : samples;
  if (pixels.byteLength !== rowBytes(layout)) {
    throw new Error(`${pixels.byteLength} bytes instead of ${rowBytes(layout)}`);
  }
  return pixels;
}

/** Native 16-bit samples to the nearest of 255 equal steps, so that 257 · k becomes k. */
export function toEightBits(samples: Buffer): Uint8Array {
  const words = new Uint16Array(samples.byteLength >> 1);
  new Uint8Array(words.buffer).set(samples);
  const pixels = new Uint8Array(words.length);
  for (let i = 0; i < words.length; i++) pixels[i] = Math.round((words[i] as number) / 257);
  return pixels;
}
