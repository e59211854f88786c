import { constants, inflateRawSync } from 'node:zlib';
import dicomParser, { type DataSet } from 'dicom-parser';
import { messageOf } from '../base/errors.js';

/** Bytes from the start of a file that `isDicom` wants to see. */
export const DICOM_START_BYTES = 160;

const PREAMBLE_BYTES = 128;
const MARK = 'DICM';
const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const META_GROUP = 0x0002;
const IDENTIFYING_GROUP = 0x0008;
/** The first element of a file is short: a group length, a character set, a UID, an image type. */
const LONGEST_FIRST_VALUE = 256;
/** 100 megapixels of 16 bits and a header. */
const LARGEST_INFLATED = 220_000_000;

export interface ParsedDicom {
  /** Elements by tag (`x00100020`), with offsets into `dataSet.byteArray`; those of the file's meta group among them. */
  readonly dataSet: DataSet;
  /** Why the file could not be read to its end, where it could not; what lies before is in `dataSet`. */
  readonly fault?: string;
}

export interface ParseOptions {
  /** Stop when this element has been found. */
  readonly untilTag?: string;
  /** The bytes are the beginning of a file. */
  readonly partial?: boolean;
}

/**
 * Whether a file is DICOM, by its first bytes: the mark `DICM` after the preamble (PS3.10 section 7.1), or, without preamble,
 * a plausible element of group 0002 or 0008 in little endian.
 */
export function isDicom(start: Uint8Array): boolean {
  return hasMark(start) || firstElement(start) !== undefined;
}

/**
 * Reads the elements of a DICOM file: explicit or implicit VR little endian, explicit big endian, deflated; compressed pixels
 * are left as they are. Sequences are read too. Nothing is copied, except from deflated files and those that lack the preamble.
 * Never throws for the content's sake: see `fault`.
 */
export function parseDicom(bytes: Buffer, { untilTag, partial = false }: ParseOptions = {}): ParsedDicom {
  const options = {
    ...(untilTag === undefined ? {} : { untilTag }),
    inflater: (file: Uint8Array, position: number) => inflate(file, position, partial),
  };
  const first = hasMark(bytes) ? undefined : firstElement(bytes);
  try {
    if (first?.group === META_GROUP) {
      const preamble = Buffer.alloc(PREAMBLE_BYTES + MARK.length);
      preamble.write(MARK, PREAMBLE_BYTES);
      return { dataSet: dicomParser.parseDicom(Buffer.concat([preamble, bytes]), options) };
    }
    if (first === undefined) return { dataSet: dicomParser.parseDicom(bytes, options) };
    const TransferSyntaxUID = first.explicit ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN;
    return { dataSet: dicomParser.parseDicom(bytes, { ...options, TransferSyntaxUID }) };
  } catch (thrown) {
    return faultOf(thrown);
  }
}

/** Bytes of an element's value; undefined where it is absent or reaches beyond the file. */
export function bytesOf(dataSet: DataSet, tag: string): Buffer | undefined {
  const element = dataSet.elements[tag];
  const { byteArray } = dataSet;
  if (element === undefined || element.dataOffset + element.length > byteArray.length) return undefined;
  return Buffer.from(byteArray.buffer, byteArray.byteOffset + element.dataOffset, element.length);
}

/** Text of an element without padding, empty where it is absent; UTF-8 where the file says so, else Latin-1. */
export function textOf(dataSet: DataSet, tag: string): string {
  const utf8 = bytesOf(dataSet, 'x00080005')?.includes('ISO_IR 192') ?? false;
  const text = bytesOf(dataSet, tag)?.toString(utf8 ? 'utf8' : 'latin1') ?? '';
  return text.split('\0', 1)[0]!.trim();
}

function hasMark(bytes: Uint8Array): boolean {
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
      'latin1',
      PREAMBLE_BYTES,
      PREAMBLE_BYTES + MARK.length,
    ) === MARK
  );
}

/** The element that a file without preamble begins with, undefined where these bytes are hardly one. */
function firstElement(bytes: Uint8Array): { group: number; explicit: boolean } | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const group = view.getUint16(0, true);
  const element = view.getUint16(2, true);
  if ((group !== META_GROUP && group !== IDENTIFYING_GROUP) || element > 0x00ff) return undefined;
  const explicit = /^(AE|AS|CS|DA|DS|DT|IS|LO|OB|PN|SH|SQ|ST|TM|UI|UL|US)$/.test(
    String.fromCharCode(bytes[4]!, bytes[5]!),
  );
  const length = explicit ? view.getUint16(6, true) : view.getUint32(4, true);
  if (length % 2 !== 0 || length > LONGEST_FIRST_VALUE) return undefined;
  return explicit || length > 0 ? { group, explicit } : undefined;
}

/** A file's beginning and what its deflated rest holds. Throws when that is damaged or too large. */
function inflate(file: Uint8Array, position: number, partial: boolean): Uint8Array {
  const data = inflateRawSync(file.subarray(position), {
    maxOutputLength: LARGEST_INFLATED,
    ...(partial ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
  });
  return Buffer.concat([file.subarray(0, position), data]);
}

/** dicom-parser throws texts, errors, and `{exception, dataSet}` with what it has read until then. */
function faultOf(thrown: unknown): ParsedDicom {
  const { exception = thrown, dataSet } = thrown as { exception?: unknown; dataSet?: DataSet };
  const words = messageOf(exception).replace(/^dicomParser[.:]\s?\w+:\s*/, '');
  return { dataSet: dataSet ?? NOTHING, fault: words };
}

const NOTHING = { byteArray: new Uint8Array(0), elements: {}, warnings: [] } as unknown as DataSet;
