import type { DataSet, Element } from 'dicom-parser';
import { messageOf } from '../../base/errors.js';
import { type Codec, Codecs } from './codecs.js';
import { type Codestream, jpeg2000Codestream, jpegCodestream } from './codestream.js';
import type { PixelDescription } from './description.js';
import { refuse } from './refuse.js';
import { decodeRle } from './rle.js';
import { nameAndUid, type PixelCoding, type TransferSyntax } from './syntax.js';

/** Pixels as they are stored. */
export interface Frame {
  /** With the bits that the pixels really have. */
  readonly description: PixelDescription;
  /** [rows, columns, samples] the stored bits alone, shifted down to bit 0; negative numbers as two's complements. */
  readonly codes: Uint8Array | Uint16Array;
  /** Colours are RGB although the header says YBR, or the other way round (`ybr`). */
  readonly colours?: 'rgb' | 'ybr';
}

const PIXELS = 'x7fe00010';
/** Frames of JPEG that each kind of transfer syntax may have: baseline and extended sequential, lossless, JPEG-LS. */
const PROCESSES: Readonly<Partial<Record<PixelCoding, readonly number[]>>> = {
  jpeg: [0xc0, 0xc1],
  'jpeg-lossless': [0xc3],
  'jpeg-ls': [0xf7],
};
const CODECS: Readonly<Partial<Record<PixelCoding, Codec>>> = {
  jpeg: 'Jpeg',
  'jpeg-lossless': 'Jpeg',
  'jpeg-ls': 'JpegLs',
  'jpeg-2000': 'Jpeg2000',
};

let codecs: Codecs | undefined;

/** Reads the one frame of a file. `fault` says why the file could not be read to its end, where it could not. */
export function readFrame(
  dataSet: DataSet,
  syntax: TransferSyntax,
  description: PixelDescription,
  fault?: string,
): Frame {
  const element = dataSet.elements[PIXELS];
  if (element === undefined) {
    return refuse(fault === undefined ? 'the file has no pixels.' : `damaged or truncated (${fault}).`);
  }
  const encapsulated = element.encapsulatedPixelData === true;
  if (encapsulated === (syntax.coding === 'native')) {
    refuse(`expected ${encapsulated ? 'plain' : 'compressed'} pixels for ${nameAndUid(syntax)}.`);
  }
  if (!encapsulated) return nativeFrame(dataSet, element, syntax, description);
  const data = joinFragments(dataSet, element);
  const { rows, columns, samples, bitsAllocated } = description;
  if (syntax.coding === 'rle') {
    const cells = decodeRle(data, rows * columns, samples, bitsAllocated / 8);
    return { description, codes: storedBits(asCells(cells, bitsAllocated), description) };
  }
  return codedFrame(data, syntax, description);
}

function nativeFrame(
  dataSet: DataSet,
  element: Element,
  { bigEndian }: TransferSyntax,
  description: PixelDescription,
): Frame {
  const { rows, columns, samples, bitsAllocated, photometric, planar } = description;
  const subsampled = photometric === 'YBR_FULL_422';
  const expected = rows * columns * (subsampled ? 2 : samples) * (bitsAllocated / 8);
  const found = Math.min(element.length, dataSet.byteArray.length - element.dataOffset);
  if (found < expected || element.length > expected + 1) {
    refuse(`expected ${expected} bytes of pixels, found ${found < expected ? found : element.length}.`);
  }
  const stored = Buffer.from(
    dataSet.byteArray.buffer,
    dataSet.byteArray.byteOffset + element.dataOffset,
    expected + (expected % 2 === 1 && found > expected ? 1 : 0),
  );
  // In big endian, words are swapped, and OW consists of words even where the cells are bytes (PS3.5 annex A.3).
  const words = bitsAllocated === 16 || (element.vr === 'OW' && stored.length % 2 === 0);
  const bytes = bigEndian && words ? Buffer.from(stored).swap16() : stored;
  const cells = asCells(bytes.subarray(0, expected), bitsAllocated);
  if (subsampled) return { description, codes: withFullColours(cells, columns) };
  return {
    description,
    codes: storedBits(planar && samples === 3 ? interleaved(cells) : cells, description),
  };
}

/** All fragments of the one frame, one after another. */
function joinFragments(dataSet: DataSet, { fragments = [] }: Element): Uint8Array {
  const { byteArray } = dataSet;
  const parts = fragments.map(({ position, length }) => {
    if (position + length > byteArray.length) refuse('the compressed pixels are truncated.');
    return byteArray.subarray(position, position + length);
  });
  if (parts.length === 0) refuse('the file has no pixels.');
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function codedFrame(data: Uint8Array, syntax: TransferSyntax, header: PixelDescription): Frame {
  const { coding } = syntax;
  const stream = coding === 'jpeg-2000' ? jpeg2000Codestream(data) : jpegCodestream(data);
  checkCodestream(stream, syntax, header);
  const { width, height, components, precision, bytes } = stream;
  const { bitsAllocated, signed } = header;
  codecs ??= new Codecs();
  let decoded: Uint8Array;
  try {
    decoded = codecs.decode(CODECS[coding]!, bytes, { width, height, components, precision, signed });
  } catch (cause) {
    return refuse(`${nameAndUid(syntax)} cannot be decoded: ${messageOf(cause)}.`);
  }
  const cellBytes = precision > 8 ? 2 : 1;
  const expected = width * height * components * cellBytes;
  if (decoded.length !== expected) refuse(`expected ${expected} decoded bytes, received ${decoded.length}.`);
  const cells = asCells(decoded, precision > 8 ? 16 : 8);
  const description = withPrecision(header, precision, bitsAllocated);
  const colours =
    stream.adobeTransform === undefined ? {} : { colours: stream.adobeTransform === 0 ? 'rgb' : 'ybr' };
  return {
    description,
    codes: storedBits(stream.planar ? interleaved(cells) : cells, description),
    ...(colours as Pick<Frame, 'colours'>),
  };
}

function checkCodestream(
  { width, height, components, precision, process }: Codestream,
  syntax: TransferSyntax,
  { rows, columns, samples, bitsAllocated }: PixelDescription,
): void {
  const processes = PROCESSES[syntax.coding];
  if (processes !== undefined && !processes.includes(process ?? 0)) {
    refuse(`the pixels are JPEG of another process than ${nameAndUid(syntax)}.`);
  }
  if (width !== columns || height !== rows || components !== samples) {
    refuse(
      `the header says ${columns} × ${rows} × ${samples}, the compressed pixels are ${width} × ${height} × ${components}.`,
    );
  }
  if (precision < 1 || precision > bitsAllocated) {
    refuse(`the compressed pixels have ${precision} bits, the header allocates ${bitsAllocated}.`);
  }
}

/** Where the codestream has more bits than the header says, none is cut off. */
function withPrecision(header: PixelDescription, precision: number, bitsAllocated: 8 | 16): PixelDescription {
  if (precision <= header.highBit + 1) return header;
  return { ...header, bitsAllocated, bitsStored: precision, highBit: precision - 1 };
}

function asCells(bytes: Uint8Array, bits: 8 | 16): Uint8Array | Uint16Array {
  if (bits === 8) return bytes;
  if (bytes.byteOffset % 2 === 0) return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  return new Uint16Array(Uint8Array.from(bytes).buffer);
}

/** Cells without the bits beside the stored ones, which may hold overlays. */
function storedBits(
  cells: Uint8Array | Uint16Array,
  { bitsStored, highBit }: PixelDescription,
): Uint8Array | Uint16Array {
  const shift = highBit + 1 - bitsStored;
  if (shift === 0 && bitsStored === 8 * cells.BYTES_PER_ELEMENT) return cells;
  const mask = 2 ** bitsStored - 1;
  const codes = cells instanceof Uint8Array ? new Uint8Array(cells.length) : new Uint16Array(cells.length);
  for (let i = 0; i < cells.length; i++) codes[i] = (cells[i]! >> shift) & mask;
  return codes;
}

/** Three planes → three samples a pixel. */
function interleaved(planes: Uint8Array | Uint16Array): Uint8Array | Uint16Array {
  const pixels = planes.length / 3;
  return planes.map((_, i) => planes[(i % 3) * pixels + Math.floor(i / 3)]!);
}

/** `Y1 Y2 Cb Cr` for two neighbours → `Y Cb Cr` for each (PS3.3 C.7.6.3.1.2). */
function withFullColours(pairs: Uint8Array | Uint16Array, columns: number): Uint8Array {
  if (columns % 2 !== 0) refuse('YBR_FULL_422 with an odd number of columns is not read.');
  const full = new Uint8Array((pairs.length / 2) * 3);
  for (let pair = 0; pair < pairs.length / 4; pair++) {
    const [first = 0, second = 0, blue = 0, red = 0] = pairs.subarray(4 * pair, 4 * pair + 4);
    full.set([first, blue, red, second, blue, red], 6 * pair);
  }
  return full;
}
