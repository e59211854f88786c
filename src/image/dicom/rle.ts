import { refuse } from './refuse.js';

const HEADER_BYTES = 64;
const MOST_SEGMENTS = 15;
/** Two bytes stand for at most 128. */
const MOST_EXPANSION = 64;

/**
 * Decodes RLE Lossless (PS3.5 annex G): segments of PackBits, for each sample the high byte first. Returns the bytes of
 * interleaved little-endian cells, [pixels, samples] of `cellBytes` each. Refuses segments that are too short: the codec
 * library would return whatever lay in its memory for the missing pixels.
 */
export function decodeRle(data: Uint8Array, pixels: number, samples: number, cellBytes: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const segments = data.length < HEADER_BYTES ? 0 : view.getUint32(0, true);
  if (segments !== samples * cellBytes || segments > MOST_SEGMENTS) {
    refuse(`expected ${samples * cellBytes} RLE segments, found ${segments}.`);
  }
  if (pixels * segments > data.length * MOST_EXPANSION) refuse('the RLE data is truncated.');
  const cells = new Uint8Array(pixels * segments);
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : data.length;
    if (start < HEADER_BYTES || end < start || end > data.length) refuse('the RLE offsets are damaged.');
    const sample = Math.floor(segment / cellBytes);
    const byte = cellBytes - 1 - (segment % cellBytes);
    unpack(data.subarray(start, end), cells, sample * cellBytes + byte, segments, pixels);
  }
  return cells;
}

/** Unpacks `count` bytes into `cells` at `first`, `first + step` …; what follows them is padding. */
function unpack(packed: Uint8Array, cells: Uint8Array, first: number, step: number, count: number): void {
  let at = 0;
  let done = 0;
  while (done < count) {
    const control = packed[at++];
    if (control === undefined) refuse('an RLE segment is truncated.');
    if (control === 128) continue;
    const literal = control < 128;
    const length = Math.min(literal ? control + 1 : 257 - control, count - done);
    if (at + (literal ? length : 1) > packed.length) refuse('an RLE segment is truncated.');
    for (let i = 0; i < length; i++) cells[first + (done + i) * step] = packed[literal ? at + i : at]!;
    at += literal ? control + 1 : 1;
    done += length;
  }
}
