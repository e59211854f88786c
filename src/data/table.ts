import { ThawError } from '../base/errors.js';
import { suggestionOrList } from '../base/nearest.js';
import { type DelimitedRow, RecordCursor, Records } from './records.js';
import { decodeText, type Encoding, readText } from './text.js';

export type { Encoding } from './text.js';
export { readLines } from './text.js';

export interface TableOptions {
  /** Default: what the byte order mark says, else UTF-16 where it looks so, else UTF-8. */
  readonly encoding?: Encoding | undefined;
  /** Any text without quotes and line breaks. Default: the one of `, ; tab |` that is most frequent in the header. */
  readonly delimiter?: string | undefined;
  /** Names of the columns that the table is to have, where not all are needed; compared as `TextTable.column` does. */
  readonly only?: readonly string[] | undefined;
}

/** A table with a header; all cells are text without surrounding blanks. */
export class TextTable {
  readonly columns: readonly string[];
  /** Positions of the columns in a record, where they are not all of them. */
  private readonly kept: readonly number[] | undefined;

  constructor(
    readonly file: string,
    private readonly header: readonly string[],
    private readonly records: Records,
    private readonly headerRow: number,
    only?: readonly string[],
  ) {
    const wanted = only?.map((name) => findName(header, name)).filter((position) => position !== undefined);
    this.kept = wanted;
    this.columns = wanted?.map((position) => header[position]!) ?? header;
  }

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
    return findName(this.columns, name);
  }

  /**
   * Cells and 1-based row number of every row that is not blank. Rows are counted as a spreadsheet shows them: the header
   * and blank lines count, a quoted line break does not. Throws DATA on a row with missing or surplus cells, or wrong quotes.
   */
  *rows(): Generator<readonly [cells: readonly string[], row: number]> {
    const positions = this.kept ?? [...this.columns.keys()];
    const cursor = new RecordCursor(this.records);
    while (this.advance(cursor)) yield [positions.map((position) => cursor.cell(position)), cursor.row];
  }

  /** The same without arrays of all cells, for the largest tables; positions are those of all columns in the file. */
  forEachRow(visit: (cells: DelimitedRow, row: number) => void): void {
    const cursor = new RecordCursor(this.records);
    while (this.advance(cursor)) visit(cursor, cursor.row);
  }

  /** To the next row below the header that is not blank. */
  private advance(cursor: RecordCursor): boolean {
    while (cursor.next()) {
      if (cursor.row <= this.headerRow || isBlank(cursor, 0)) continue;
      const expected = this.header.length;
      if (cursor.length === expected || (cursor.length > expected && isBlank(cursor, expected))) return true;
      throw new ThawError('DATA', `expected ${expected} cells but found ${cursor.length}.`, {
        file: this.file,
        row: cursor.row,
        hint: 'A cell that contains the delimiter must stand in double quotes.',
      });
    }
    return false;
  }
}

function findName(columns: readonly string[], name: string): number | undefined {
  const exact = columns.indexOf(name);
  if (exact >= 0) return exact;
  const wanted = name.trim().toLowerCase();
  const similar = columns.findIndex((column) => column.toLowerCase() === wanted);
  return similar >= 0 ? similar : undefined;
}

/** From cell `first` on. */
function isBlank(row: DelimitedRow, first: number): boolean {
  for (let index = first; index < row.length; index++) if (row.cell(index) !== '') return false;
  return true;
}

/** Reads a delimited text file, `.gz` or plain. Throws IO when it cannot be read, DATA when it is no table. */
export async function readTable(file: string, options: TableOptions = {}): Promise<TextTable> {
  return tableOf(await readText(file, options.encoding), file, options);
}

/** The same for the bytes of a file. */
export function parseTable(bytes: Buffer, file: string, options: TableOptions = {}): TextTable {
  return tableOf(decodeText(bytes, file, options.encoding), file, options);
}

/** Empty cells at the end of the header are no columns: other programs leave delimiters there. */
function tableOf(text: string, file: string, { delimiter, only }: TableOptions): TextTable {
  const records = new Records(text, file, delimiter ?? detectDelimiter(text));
  let row = 0;
  for (const record of records) {
    row++;
    const columns = record.slice(0, record.findLastIndex((cell) => cell !== '') + 1);
    if (columns.length > 0) return new TextTable(file, columns, records, row, only);
  }
  throw new ThawError('DATA', 'expected a table with a header but the file is empty.', { file });
}

const DELIMITERS: readonly string[] = [',', ';', '\t', '|'];

function detectDelimiter(text: string): string {
  const header = text.trimStart().match(/^(?:"(?:[^"]|"")*"|[^"\r\n])*/)?.[0] ?? '';
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (delimiter: string) => bare.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}
