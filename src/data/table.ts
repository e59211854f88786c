import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type CsvError, parse } from 'csv-parse/sync';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { suggestionOrList } from '../base/nearest.js';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';
export type Delimiter = ',' | ';' | '\t' | '|';

export interface TableOptions {
  /** Default: what the byte order mark says, else UTF-8. */
  readonly encoding?: Encoding | undefined;
  /** Default: the one of `, ; tab |` that is most frequent in the header. */
  readonly delimiter?: Delimiter | undefined;
}

/** A table with a header; all cells are text without surrounding blanks. */
export class TextTable {
  constructor(
    readonly file: string,
    readonly columns: readonly string[],
    private readonly records: readonly (readonly string[])[],
    private readonly headerRow: number,
  ) {}

  /** Position of a column; exact name first, then without regard to case. Throws DATA with a suggestionOrList. */
  column(name: string): number {
    const position = this.findColumn(name);
    if (position !== undefined) return position;
    throw new ThawError('DATA', `no column '${name}'.`, {
      file: this.file,
      row: this.headerRow,
      hint: suggestionOrList(name, this.columns),
    });
  }

  findColumn(name: string): number | undefined {
    const exact = this.columns.indexOf(name);
    if (exact >= 0) return exact;
    const wanted = name.trim().toLowerCase();
    const similar = this.columns.findIndex((column) => column.toLowerCase() === wanted);
    return similar >= 0 ? similar : undefined;
  }

  /**
   * Cells and 1-based row number of every row that is not blank. Rows are counted as a spreadsheet shows them: the header
   * and blank lines count, a quoted line break does not. Throws DATA on a row with missing or surplus cells.
   */
  *rows(): Generator<readonly [cells: readonly string[], row: number]> {
    for (const [index, record] of this.records.entries()) {
      const row = this.headerRow + 1 + index;
      if (record.every((cell) => cell === '')) continue;
      if (record.length !== this.columns.length && !onlyBlanksBeyond(record, this.columns.length)) {
        throw new ThawError('DATA', `expected ${this.columns.length} cells but found ${record.length}.`, {
          file: this.file,
          row,
          hint: 'A cell that contains the delimiter must stand in double quotes.',
        });
      }
      yield [record, row];
    }
  }
}

function onlyBlanksBeyond(record: readonly string[], length: number): boolean {
  return record.length > length && record.slice(length).every((cell) => cell === '');
}

/** Reads a delimited text file, `.gz` or plain. Throws IO when it cannot be read, DATA when it is no table. */
export async function readTable(file: string, options: TableOptions = {}): Promise<TextTable> {
  const text = decodeText(await readBytes(file), file, options.encoding);
  const delimiter = options.delimiter ?? detectDelimiter(text);
  const records = parseRecords(text, file, delimiter);
  const headerIndex = records.findIndex((record) => record.some((cell) => cell !== ''));
  const header = records[headerIndex];
  if (header === undefined) {
    throw new ThawError('DATA', 'expected a table with a header but the file is empty.', { file });
  }
  return new TextTable(file, header, records.slice(headerIndex + 1), headerIndex + 1);
}

/** Lines of a text file without blank ones, trimmed; `.gz` or plain. */
export async function readLines(file: string): Promise<string[]> {
  const text = decodeText(await readBytes(file), file, undefined);
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

async function readBytes(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw ioError(cause, file, 'read');
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new ThawError('DATA', `the gzip file is damaged (${messageOf(cause)}).`, {
      file,
      hint: 'Download it again.',
      cause,
    });
  }
}

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

function decodeText(bytes: Buffer, file: string, chosen: Encoding | undefined): string {
  const marked = MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))?.[0];
  const encoding = chosen ?? marked ?? 'utf-8';
  let text: string;
  try {
    text = new TextDecoder(encoding === 'latin1' ? 'windows-1252' : encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ThawError('DATA', `the text is not ${encoding}.`, {
      file,
      hint: "Set 'encoding: latin1' (or utf-16le, utf-16be), or save the table as UTF-8.",
      cause,
    });
  }
  if (!text.includes('\0')) return text;
  throw new ThawError('DATA', `the text read as ${encoding} contains zero bytes.`, {
    file,
    hint: "It may be UTF-16 without a byte order mark: set 'encoding: utf-16le'. A spreadsheet must be exported as CSV.",
  });
}

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t', '|'];

function detectDelimiter(text: string): Delimiter {
  const header = text.trimStart().match(/^(?:"(?:[^"]|"")*"|[^"\r\n])*/)?.[0] ?? '';
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (delimiter: Delimiter) => bare.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function parseRecords(text: string, file: string, delimiter: Delimiter): string[][] {
  try {
    return parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      trim: true,
    }) as string[][];
  } catch (cause) {
    const { records, message } = cause as CsvError & { records?: number };
    throw new ThawError('DATA', `not a well-formed table: ${message}.`, {
      file,
      ...(records === undefined ? {} : { row: records + 1 }),
      hint: 'Check the double quotes in this row; a quote inside a cell is written twice.',
      cause,
    });
  }
}
