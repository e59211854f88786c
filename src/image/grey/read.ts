import sharp, { type Sharp } from 'sharp';
import { ThawError } from '../../base/errors.js';
import type { RawImage } from '../../data/dataset.js';
import { isDicom } from '../../data/dicom-file.js';
import { BLACK, dicom, lookTwice, OPEN, readStart, toEightBits } from '../decode.js';
import { readSuspect } from '../decode-failure.js';
import type { WindowRule } from '../geometry.js';
import { sampleDepth } from '../sample-depth.js';
import { isNifti, openNifti } from './nifti.js';
import { type GreyVolume, volumeOf } from './volume.js';

export interface GreyReading {
  /**
   * `full`: values as the file has them, DICOM in modality units with bright meaning dense, whatever their range. `levels`: 0 to
   * 255 as a sweep sees them: DICOM through a window, 16-bit samples as round(v / 257).
   */
  readonly depth: 'full' | 'levels';
  /** For the levels of DICOM; by default the file's first window, or the percentiles 0.5 to 99.5 where it has none. */
  readonly window?: WindowRule | undefined;
}

const JPEG_START = '\xff\xd8\xff';
/** Sample formats of TIFF and others that sharp hands over as they are. */
const PLAIN_FORMATS = ['char', 'short', 'int', 'uint', 'float', 'double'];

/**
 * An image file in its own size as grey values: PNG, JPEG, TIFF (8 and 16 bits; one channel of any sample format), WebP, GIF,
 * DICOM, NIfTI (a volume). Known by content; colour becomes grey by luminance, transparency black, of pages the first is read.
 * Throws IMAGE for a file that cannot be read so, IO when the machine failed rather than the file.
 */
export async function readGrey(path: string, reading: GreyReading): Promise<GreyVolume> {
  return named(path, () =>
    lookTwice(path, async (input) => {
      const start = await startOf(input);
      if (isDicom(start)) return dicomVolume(path, reading);
      if (isNifti(start)) return openNifti(typeof input === 'string' ? await readSuspect(input) : input);
      return sharpVolume(input, start, path, reading.depth);
    }),
  );
}

/**
 * A mask file in its own size, values as they are stored: those of a PNG of 1, 2 or 4 bits are stretched to 0 … 255. Colours
 * that differ from grey make `coloured` and count as the largest of the three channels. Throws as `readGrey`, and IMAGE for
 * JPEG, which changes values.
 */
export async function readMask(path: string): Promise<GreyVolume> {
  return named(path, () =>
    lookTwice(path, async (input) => {
      const start = await startOf(input);
      if (isDicom(start)) return dicomVolume(path, { depth: 'full' });
      if (isNifti(start)) return openNifti(typeof input === 'string' ? await readSuspect(input) : input);
      if (start.toString('latin1').startsWith(JPEG_START))
        throw new ThawError('IMAGE', 'JPEG changes the values of a mask.', {
          hint: 'Use PNG, TIFF, NIfTI or DICOM.',
        });
      return sharpMask(input, start, path);
    }),
  );
}

/** Pixels that are decoded already, as `readGrey` reads them from a file. */
export async function greyVolume(image: RawImage, depth: GreyReading['depth']): Promise<GreyVolume> {
  const { data, width, height, channels } = image;
  const whole = depth === 'full' && channels === 1;
  return volumeOf(whole ? data : await levelsOf(image), { width, height });
}

/** Adds the file to messages that lack it. */
async function named<Result>(file: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ThawError) || error.place.file !== undefined) throw error;
    const { code, summary, hint, place, cause } = error;
    throw new ThawError(code, summary, { ...place, file, cause, ...(hint === undefined ? {} : { hint }) });
  }
}

async function startOf(input: string | Buffer): Promise<Buffer> {
  return typeof input === 'string' ? readStart(input) : input;
}

async function dicomVolume(path: string, { depth, window }: GreyReading): Promise<GreyVolume> {
  const { image, spacing } = await dicom.measure(path, depth === 'full' ? 'values' : 'levels', window);
  const { width, height } = image;
  const pixels = 'values' in image ? image.values : await levelsOf(image);
  return volumeOf(pixels, { width, height, ...(spacing === undefined ? {} : { spacing }) });
}

async function levelsOf({ data, width, height, channels }: RawImage): Promise<Uint8Array> {
  if (channels === 1) return data instanceof Uint8Array ? data : toEightBits(bufferOf(data));
  const deep = data instanceof Uint16Array;
  const samples = await greySamples(sharp(data, { raw: { width, height, channels } }), deep);
  return deep ? toEightBits(samples.data) : samples.data;
}

function bufferOf(array: Uint16Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** Luminance, laid over black. */
async function greySamples(input: Sharp, deep: boolean): Promise<RawSamples> {
  return rawSamples(
    input.flatten({ background: BLACK }).toColourspace(deep ? 'grey16' : 'b-w'),
    deep ? 'ushort' : 'uchar',
  );
}

interface RawSamples {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

async function rawSamples(input: Sharp, depth: 'uchar' | 'ushort' | 'float' | 'double'): Promise<RawSamples> {
  const { data, info } = await input.raw({ depth }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

async function sharpVolume(
  input: string | Buffer,
  start: Buffer,
  path: string,
  depth: GreyReading['depth'],
): Promise<GreyVolume> {
  const samples = await sampleFormat(input, start, path);
  if (samples === 'uchar') {
    const grey = await greySamples(sharp(input, OPEN), false);
    return volumeOf(grey.data, sizeOf(grey));
  }
  if (samples === 'ushort') {
    const grey = await greySamples(sharp(input, OPEN), true);
    return volumeOf(depth === 'full' ? wordsOf(grey.data) : toEightBits(grey.data), sizeOf(grey));
  }
  if (depth === 'levels')
    throw new ThawError('IMAGE', `expected samples of 8 or 16 bits, received ${samples} samples.`, {
      file: path,
      hint: 'Such samples have no agreed range: read them as they are, and give the range that counts.',
    });
  const { channels } = await sharp(input, OPEN).metadata();
  if (!PLAIN_FORMATS.includes(samples) || channels !== 1)
    throw new ThawError('IMAGE', `${channels} channels of ${samples} samples are not read.`, { file: path });
  const single = samples === 'float';
  // Without a colour space sharp makes three channels; this one changes nothing in one.
  const raw = await rawSamples(sharp(input, OPEN).toColourspace('b-w'), single ? 'float' : 'double');
  const bytes = raw.data.buffer.slice(raw.data.byteOffset, raw.data.byteOffset + raw.data.byteLength);
  return volumeOf(single ? new Float32Array(bytes) : new Float64Array(bytes), sizeOf(raw));
}

/** `uchar`, `ushort` or another format of sharp's; only that of unusual files takes a second opening. */
async function sampleFormat(input: string | Buffer, start: Buffer, path: string): Promise<string> {
  try {
    return (await sampleDepth(input, start, path, OPEN)) === 16 ? 'ushort' : 'uchar';
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return (await sharp(input, OPEN).metadata()).depth ?? 'unknown';
  }
}

function sizeOf({ width, height }: RawSamples): { width: number; height: number } {
  return { width, height };
}

function wordsOf(samples: Buffer): Uint16Array {
  const words = new Uint16Array(samples.byteLength >> 1);
  new Uint8Array(words.buffer).set(samples);
  return words;
}

async function sharpMask(input: string | Buffer, start: Buffer, path: string): Promise<GreyVolume> {
  const { space, depth } = await sharp(input, OPEN).metadata();
  if (space !== 'srgb' && space !== 'rgb16') return sharpVolume(input, start, path, 'full');
  const deep = depth === 'ushort';
  const raw = await rawSamples(sharp(input, OPEN).flatten({ background: BLACK }), deep ? 'ushort' : 'uchar');
  const values = deep ? wordsOf(raw.data) : raw.data;
  const { channels } = raw;
  const mask = new (deep ? Uint16Array : Uint8Array)(raw.width * raw.height);
  let coloured = false;
  for (let i = 0; i < mask.length; i++) {
    const [red, green, blue] = [values[i * channels]!, values[i * channels + 1]!, values[i * channels + 2]!];
    coloured ||= red !== green || green !== blue;
    mask[i] = Math.max(red, green, blue);
  }
  return volumeOf(mask, { ...sizeOf(raw), ...(coloured ? { coloured } : {}) });
}
