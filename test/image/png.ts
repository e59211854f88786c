import { crc32, deflateSync } from 'node:zlib';

/** PNG colour types (ISO/IEC 15948, table 11.1). */
export const COLOUR_TYPE = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;
const SAMPLES = { grey: 1, rgb: 3, palette: 1, greyAlpha: 2, rgba: 4 } as const;

export interface PngPixels {
  readonly width: number;
  readonly height: number;
  readonly colour: keyof typeof COLOUR_TYPE;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  /** Samples in reading order, interleaved. */
  readonly samples: ArrayLike<number>;
  /** RGB triples of a palette image. */
  readonly palette?: readonly number[];
  /** Further chunks between header and pixels. */
  readonly chunks?: readonly Buffer[];
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** Writes a PNG sample by sample (no filter), so that what a test expects does not come from the library under test. */
export function encodePng(image: PngPixels): Buffer {
  const { width, height, colour, depth } = image;
  const perRow = width * SAMPLES[colour];
  const stride = 1 + Math.ceil((perRow * depth) / 8);
  const raw = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < perRow; x++) {
      const sample = image.samples[y * perRow + x] ?? 0;
      const bit = x * depth;
      const at = y * stride + 1 + (bit >> 3);
      if (depth === 16) raw.writeUInt16BE(sample, at);
      else raw[at] = (raw[at] ?? 0) | (sample << (8 - depth - (bit & 7)));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = COLOUR_TYPE[colour];
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    ...(image.palette === undefined ? [] : [pngChunk('PLTE', Uint8Array.from(image.palette))]),
    ...(image.chunks ?? []),
    pngChunk('IDAT', deflateSync(raw)),
    pngChunk('IEND', new Uint8Array(0)),
  ]);
}
