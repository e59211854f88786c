import { refuse } from './refuse.js';

/** What a compressed image says about itself. It is compared with the header before anything is decoded. */
export interface Codestream {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Bits of a sample. */
  readonly precision: number;
  /** JPEG: the marker of its frame, `0xc0` … `0xcf`, or `0xf7` for JPEG-LS. */
  readonly process?: number;
  /** JPEG: colour transform of an Adobe marker, 0 none, 1 YCbCr. */
  readonly adobeTransform?: number;
  /** JPEG-LS: components one after another rather than interleaved. */
  readonly planar?: boolean;
}

const START_OF_SCAN = 0xda;
const ADOBE = 0xee;
const JPEG_LS_FRAME = 0xf7;
/** Frame markers are C0–CF but for these three, which define tables. */
const TABLES = [0xc4, 0xc8, 0xcc];

/** Reads the frame header of a JPEG or JPEG-LS codestream (ISO/IEC 10918-1 annex B, 14495-1 annex C). */
export function jpegCodestream(bytes: Uint8Array): Codestream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) refuse('the pixels do not begin as JPEG.');
  let frame: Codestream | undefined;
  let adobeTransform: number | undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = view.getUint16(at + 2);
    const end = at + 2 + length;
    if (length < 2 || end > bytes.length) break;
    if (isFrame(marker) && length >= 8) {
      frame = {
        bytes,
        process: marker,
        precision: bytes[at + 4]!,
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: bytes[at + 9]!,
      };
    } else if (marker === ADOBE && length >= 14 && startsWith(bytes, at + 4, 'Adobe')) {
      adobeTransform = bytes[at + 15]!;
    } else if (marker === START_OF_SCAN && frame !== undefined) {
      return {
        ...frame,
        ...(adobeTransform === undefined ? {} : { adobeTransform }),
        planar: frame.process === JPEG_LS_FRAME && frame.components > 1 && bytes[end - 2] === 0,
      };
    }
    at = end;
  }
  return refuse('the JPEG header is damaged or truncated.');
}

/** Reads the SIZ marker of a JPEG 2000 codestream, bare or in a JP2 file (ISO/IEC 15444-1 annexes A.5.1 and I). */
export function jpeg2000Codestream(data: Uint8Array): Codestream {
  const bytes = withoutBoxes(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 45 || view.getUint32(0) !== 0xff4fff51) refuse('the pixels do not begin as JPEG 2000.');
  const [right, bottom, left, top] = [8, 12, 16, 20].map((at) => view.getUint32(at)) as Four;
  const components = view.getUint16(40);
  if (bytes.length < 42 + 3 * components) refuse('the JPEG 2000 header is truncated.');
  const sizes = Array.from({ length: components }, (_, i) => [...bytes.subarray(42 + 3 * i, 45 + 3 * i)]);
  const precision = (sizes[0]?.[0] ?? 0) & 0x7f;
  if (sizes.some(([depth = 0, dx, dy]) => (depth & 0x7f) !== precision || dx !== 1 || dy !== 1)) {
    refuse('JPEG 2000 components of different size or depth are not read.');
  }
  return { bytes, width: right - left, height: bottom - top, components, precision: precision + 1 };
}
type Four = [number, number, number, number];

function isFrame(marker: number): boolean {
  return marker === JPEG_LS_FRAME || (marker >= 0xc0 && marker <= 0xcf && !TABLES.includes(marker));
}

/** The codestream that a JP2 file contains; other bytes are returned as they are. */
function withoutBoxes(data: Uint8Array): Uint8Array {
  if (!startsWith(data, 4, 'jP  ')) return data;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 8 <= data.length; ) {
    const length = view.getUint32(at);
    if (startsWith(data, at + 4, 'jp2c')) return data.subarray(length === 1 ? at + 16 : at + 8);
    if (length < 8) break;
    at += length;
  }
  return refuse('the JP2 file has no codestream.');
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
}
