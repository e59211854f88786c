import { isAscii } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';

/** A text is one string, and V8's hold a little over half a billion characters. */
const MAXIMUM_BYTES = 500_000_000;

/** Reads a text file, `.gz` or plain, as `decodeText` does. Throws IO when it cannot be read. */
export async function readText(file: string, encoding?: Encoding): Promise<string> {
  try {
    return decodeText(await readFile(file), file, encoding);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_FS_FILE_TOO_LARGE') throw tooLarge(file);
    throw ioError(cause, file, 'read');
  }
}

/** Lines of a text file without blank ones, trimmed; `.gz` or plain. */
export async function readLines(file: string): Promise<string[]> {
  const text = await readText(file);
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/**
 * The text of a file's bytes, unpacked where they are gzip: as `chosen`, else as the byte order mark says, else UTF-16
 * where every other byte is mostly zero, else UTF-8. Throws DATA when it is damaged, too large, or not in this encoding.
 */
export function decodeText(bytes: Buffer, file: string, chosen?: Encoding): string {
  const plain = unpack(bytes, file);
  if (plain.byteLength > MAXIMUM_BYTES) throw tooLarge(file);
  const encoding = chosen ?? markOf(plain) ?? unmarkedUtf16(plain) ?? 'utf-8';
  const text = decode(plain, file, encoding);
  if (!text.includes('\0')) return text;
  throw new ThawError('DATA', `the text read as ${encoding} contains zero bytes.`, {
    file,
    hint: "It may be UTF-16 without a byte order mark: set 'encoding: utf-16le'. A spreadsheet must be exported as CSV.",
  });
}

function unpack(bytes: Buffer, file: string): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAXIMUM_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(file);
    throw new ThawError('DATA', `the gzip file is damaged (${messageOf(cause)}).`, {
      file,
      hint: 'Download it again.',
      cause,
    });
  }
}

function decode(bytes: Buffer, file: string, encoding: Encoding): string {
  // ASCII, as nearly all tables are, is the same in both: much faster than a decoder that checks.
  if ((encoding === 'utf-8' || encoding === 'latin1') && isAscii(bytes)) return bytes.toString('latin1');
  try {
    return new TextDecoder(encoding === 'latin1' ? 'windows-1252' : encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ThawError('DATA', `the text is not ${encoding}.`, {
      file,
      hint: "Set 'encoding: latin1' (or utf-16le, utf-16be), or save the table as UTF-8.",
      cause,
    });
  }
}

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

function markOf(bytes: Buffer): Encoding | undefined {
  return MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))?.[0];
}

const SAMPLE = 4096;

/** Delimiters, digits and line ends are ASCII in every script, so one half of UTF-16 is zero in many places, the other nowhere. */
function unmarkedUtf16(bytes: Buffer): Encoding | undefined {
  const zeros = [0, 0] as [number, number];
  const length = Math.min(bytes.byteLength & ~1, SAMPLE);
  for (let at = 0; at < length; at++) if (bytes[at] === 0) zeros[(at & 1) as 0 | 1]++;
  const many = length / 8;
  if (zeros[1] > many && zeros[0] === 0) return 'utf-16le';
  return zeros[0] > many && zeros[1] === 0 ? 'utf-16be' : undefined;
}

function tooLarge(file: string): ThawError {
  return new ThawError('DATA', `the table is larger than ${MAXIMUM_BYTES / 1e6} MB.`, {
    file,
    hint: 'Leave out columns that are not needed, or split the table.',
  });
}
