import { open } from 'node:fs/promises';
import sharp, { type SharpOptions } from 'sharp';
import { ThawError } from '../base/errors.js';

const HEADER_BYTES = 25;
const PNG_SIGNATURE = '\x89PNG\r\n\x1a\n';
const PNG_DEPTH_AT = 24;
const JPEG_START = '\xff\xd8\xff';

/**
 * Bits of an image's samples, 8 (or fewer) or 16. PNG says it at a fixed place and JPEG always has 8, which saves nearly every
 * data set a second opening of each file by the decoder; other formats are asked through it.
 * Throws IMAGE for other depths, and what the decoder throws for files that are no images.
 */
export async function sampleDepth(
  input: string | Buffer,
  path: string,
  options: SharpOptions,
): Promise<8 | 16> {
  const header = typeof input === 'string' ? await readHeader(input) : input.subarray(0, HEADER_BYTES);
  const start = header.toString('latin1');
  if (start.startsWith(JPEG_START)) return 8;
  if (start.startsWith(PNG_SIGNATURE)) return header[PNG_DEPTH_AT] === 16 ? 16 : 8;
  const { depth } = await sharp(input, options).metadata();
  if (depth === 'uchar') return 8;
  if (depth === 'ushort') return 16;
  throw new ThawError('IMAGE', `expected samples of 8 or 16 bits, received ${depth} samples.`, {
    file: path,
    hint: 'Such samples have no agreed range: scale them to 0–255 or 0–65535 first.',
  });
}

async function readHeader(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
