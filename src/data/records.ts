import { type CsvError, parse } from 'csv-parse/sync';
import { ThawError } from '../base/errors.js';

/** One row of a delimited text; the same object stands for the next row when that is read. */
export interface DelimitedRow {
  /** Number of its cells, at least one. */
  readonly length: number;
  /** A cell without surrounding blanks. */
  cell(index: number): string;
  /** The character code of a cell that is one ASCII character, else −1: cheaper than the cell where many are digits. */
  character(index: number): number;
}

/**
 * The rows of a delimited text; blank lines are rows of one empty cell. Lines are cut in one pass over their characters, and
 * cells are made when asked for, where quotes only surround whole cells; quotes doubled or beside blanks take a second pass.
 * csv-parse reads the others: line breaks within quotes, and mistakes. Throws DATA with the row where quotes are wrong.
 */
export class Records implements Iterable<string[]> {
  constructor(
    readonly text: string,
    readonly file: string,
    readonly delimiter: string,
  ) {}

  /** Each iteration reads the text again, nothing is kept. */
  *[Symbol.iterator](): Generator<string[]> {
    const cursor = new RecordCursor(this);
    while (cursor.next()) yield Array.from({ length: cursor.length }, (_, index) => cursor.cell(index));
  }
}

const TABULATOR = 9;
const LINE_FEED = 10;
const RETURN = 13;
const BLANK = 32;
const QUOTE = 34;
const LAST_ASCII = 127;

/** Goes through the rows from the first. */
export class RecordCursor implements DelimitedRow {
  /** 1-based, of the row at hand. */
  row = 0;
  length = 0;
  private readonly text: string;
  /** Where the next line begins; beyond the end after the last one. */
  private at = 0;
  /** Cell i is `text[bounds[i] … bounds[i + 1] − width]`, its quotes included. */
  private bounds = new Int32Array(64);
  private readonly width: number;
  private readonly first: number;
  /** Of a line that could not be cut so. */
  private cells: readonly string[] | undefined;
  /** What csv-parse has read beyond the row at hand. */
  private ahead: string[][] = [];

  constructor(private readonly records: Records) {
    this.text = records.text;
    this.width = records.delimiter.length;
    this.first = records.delimiter.charCodeAt(0);
  }

  /** Moves on to the next row; false where there is none. Throws DATA. */
  next(): boolean {
    if (this.ahead.length === 0) {
      if (this.at > this.text.length) return false;
      this.row++;
      this.cells = this.cutLine() ? undefined : this.readQuoted();
    } else {
      this.row++;
      this.cells = this.ahead.shift()!;
    }
    if (this.cells !== undefined) this.length = this.cells.length;
    return true;
  }

  cell(index: number): string {
    if (this.cells !== undefined) return this.cells[index]!;
    let start = this.bounds[index]!;
    let end = this.bounds[index + 1]! - this.width;
    while (start < end && isBlank(this.text.charCodeAt(start))) start++;
    while (start < end && isBlank(this.text.charCodeAt(end - 1))) end--;
    if (start < end && this.text.charCodeAt(start) === QUOTE)
      return this.text.slice(start + 1, end - 1).trim();
    const cell = this.text.slice(start, end);
    // Other blanks than those of ASCII.
    return start < end && (cell.charCodeAt(0) > LAST_ASCII || cell.charCodeAt(end - start - 1) > LAST_ASCII)
      ? cell.trim()
      : cell;
  }

  character(index: number): number {
    const code =
      this.cells === undefined
        ? this.onlyCharacter(this.bounds[index]!, this.bounds[index + 1]! - this.width)
        : codeOf(this.cells[index]!);
    return code > BLANK && code <= LAST_ASCII ? code : -1;
  }

  /** Code of the one character from `start` to `end`, or of the one within quotes; −1 where there are more or none. */
  private onlyCharacter(start: number, end: number): number {
    if (end - start === 1) return this.text.charCodeAt(start);
    return end - start === 3 && this.text.charCodeAt(start) === QUOTE ? this.text.charCodeAt(start + 1) : -1;
  }

  /** Finds the borders of the line's cells; false, and the cursor stays, where a quote does not surround a whole cell. */
  private cutLine(): boolean {
    const { text, width, first } = this;
    const { delimiter } = this.records;
    let cells = 0;
    let at = this.at;
    this.bounds[0] = at;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === LINE_FEED || code === RETURN) break;
      if (code === QUOTE) {
        if (at !== this.bounds[cells]) return false;
        at = this.closing(at);
        if (at < 0) return false;
        continue;
      }
      if (code !== first || (width > 1 && !text.startsWith(delimiter, at))) continue;
      this.border(++cells, at + width);
      at += width - 1;
    }
    this.border(++cells, at + width);
    this.length = cells;
    this.at = afterLine(text, at);
    return true;
  }

  /** Where the quotes that open at `open` close, if a cell ends there and neither quotes nor line breaks lie between; else −1. */
  private closing(open: number): number {
    const { text } = this;
    for (let at = open + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === LINE_FEED || code === RETURN) return -1;
      if (code !== QUOTE) continue;
      const next = text.charCodeAt(at + 1);
      const ends = at + 1 === text.length || next === LINE_FEED || next === RETURN;
      return ends || text.startsWith(this.records.delimiter, at + 1) ? at : -1;
    }
    return -1;
  }

  private border(cell: number, at: number): void {
    if (cell === this.bounds.length) {
      const larger = new Int32Array(2 * cell);
      larger.set(this.bounds);
      this.bounds = larger;
    }
    this.bounds[cell] = at;
  }

  private readQuoted(): readonly string[] {
    const { text } = this;
    const { file, delimiter } = this.records;
    const end = lineEnd(text, this.at);
    const cells = quotedCells(text.slice(this.at, end), delimiter);
    if (cells !== undefined) {
      this.at = afterLine(text, end);
      return cells;
    }
    const last = endOfQuotes(text, this.at);
    const [record = [], ...others] = parseRecords(text.slice(this.at, last), file, this.row, delimiter);
    this.at = afterLine(text, last);
    this.ahead = others;
    return record;
  }
}

function isBlank(code: number): boolean {
  return code === BLANK || (code >= TABULATOR && code <= RETURN);
}

function codeOf(cell: string): number {
  return cell.length === 1 ? cell.charCodeAt(0) : -1;
}

/** End of the line that `at` lies in: its line break, or that of the text. */
function lineEnd(text: string, at: number): number {
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === LINE_FEED || code === RETURN) break;
  }
  return end;
}

/** Where the line after one that ends at `end` begins; beyond the end of the text after the last one. */
function afterLine(text: string, end: number): number {
  return text.charCodeAt(end) === RETURN && text.charCodeAt(end + 1) === LINE_FEED ? end + 2 : end + 1;
}

/** End of the line in which the quotes that open from `at` on are closed: the first after which their number is even. */
function endOfQuotes(text: string, at: number): number {
  let even = true;
  for (let end = at; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) even = !even;
    else if (even && (code === LINE_FEED || code === RETURN)) return end;
  }
  return text.length;
}

/** Undefined where a quote neither opens nor closes a cell, nor stands doubled within one. */
function quotedCells(line: string, delimiter: string): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; ; at += delimiter.length) {
    const start = afterBlanks(line, at, delimiter);
    let end: number;
    if (line.charCodeAt(start) === QUOTE) {
      const close = closingQuote(line, start + 1);
      if (close < 0) return undefined;
      const cell = line.slice(start + 1, close);
      cells.push((cell.includes('"') ? cell.replaceAll('""', '"') : cell).trim());
      end = afterBlanks(line, close + 1, delimiter);
      if (end < line.length && !line.startsWith(delimiter, end)) return undefined;
    } else {
      end = line.indexOf(delimiter, at);
      if (end < 0) end = line.length;
      const cell = line.slice(at, end);
      if (cell.includes('"')) return undefined;
      cells.push(cell.trim());
    }
    if (end >= line.length) return cells;
    at = end;
  }
}

/** Blanks that the delimiter begins with are none. */
function afterBlanks(line: string, at: number, delimiter: string): number {
  let code = line.charCodeAt(at);
  while ((code === BLANK || code === TABULATOR) && !line.startsWith(delimiter, at)) {
    at++;
    code = line.charCodeAt(at);
  }
  return at;
}

function closingQuote(line: string, from: number): number {
  let quote = line.indexOf('"', from);
  while (quote >= 0 && line.charCodeAt(quote + 1) === QUOTE) quote = line.indexOf('"', quote + 2);
  return quote;
}

function parseRecords(text: string, file: string, firstRow: number, delimiter: string): string[][] {
  try {
    const records = parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      trim: true,
    }) as string[][];
    return records.map((cells) => cells.map((cell) => cell.trim()));
  } catch (cause) {
    const { records, message } = cause as CsvError & { records?: number };
    throw new ThawError('DATA', `not a well-formed table: ${message}.`, {
      file,
      row: firstRow + (records ?? 0),
      hint: 'Check the double quotes in this row; a quote inside a cell is written twice.',
      cause,
    });
  }
}
