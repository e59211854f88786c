import sharp, { type SharpOptions } from 'sharp';
import { ThawError } from '../base/errors.js';

const PNG_SIGNATURE = '\x89PNG\r\n\x1a\n';
const PNG_DEPTH_AT = 24;
const JPEG_START = '\xff\xd8\xff';

/**
 * Bits of an image's samples, 8 (or fewer) or 16; `header` is how the image begins. PNG says it at a fixed place and JPEG always has 8, which saves nearly every
 * data set a second opening of each file by the decoder; other formats are asked through it.
 * Throws IMAGE for other depths, and what the decoder throws for files that are no images.
 */
export async function sampleDepth(
  input: string | Buffer,
  header: Buffer,
  path: string,
  options: SharpOptions,
): Promise<8 | 16> {
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
