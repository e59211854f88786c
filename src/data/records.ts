import { type CsvError, parse } from 'csv-parse/sync';
import { ThawError } from '../base/errors.js';

/**
 * The rows of a delimited text, one array of cells each, without surrounding blanks; blank lines are rows of one empty cell.
 * Lines without quotes, and lines whose quotes open and close at the borders of cells, are cut directly (some five times as
 * fast as by a parser that looks at every character); csv-parse reads the others: line breaks within quotes, and mistakes.
 * Nothing is kept: each iteration reads the text again. Throws DATA with the row where quotes are wrong.
 */
export class Records implements Iterable<string[]> {
  private readonly lines: readonly string[];
  private readonly quoted: boolean;

  constructor(
    text: string,
    private readonly file: string,
    private readonly delimiter: string,
  ) {
    this.lines = text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n');
    this.quoted = text.includes('"');
  }

  *[Symbol.iterator](): Generator<string[]> {
    let row = 1;
    for (let at = 0; at < this.lines.length; ) {
      const line = this.lines[at]!;
      const cells =
        this.quoted && line.includes('"')
          ? quotedCells(line, this.delimiter)
          : plainCells(line, this.delimiter);
      if (cells !== undefined) {
        yield cells;
        at++;
        row++;
        continue;
      }
      const end = this.endOfQuotes(at);
      const records = parseRecords(this.lines.slice(at, end).join('\n'), this.file, row, this.delimiter);
      yield* records;
      at = end;
      row += records.length;
    }
  }

  /** Line after the one in which quotes that open in line `at` are closed: the first after which their number is even. */
  private endOfQuotes(at: number): number {
    let even = true;
    for (let line = at; line < this.lines.length; line++) {
      const text = this.lines[line]!;
      for (let quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', quote + 1)) even = !even;
      if (even) return line + 1;
    }
    return this.lines.length;
  }
}

function plainCells(line: string, delimiter: string): string[] {
  const cells = line.split(delimiter);
  for (let index = 0; index < cells.length; index++) cells[index] = cells[index]!.trim();
  return cells;
}

/** Undefined where a quote neither opens nor closes a cell, nor stands doubled within one. */
function quotedCells(line: string, delimiter: string): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; ; at += delimiter.length) {
    const start = afterBlanks(line, at, delimiter);
    let end: number;
    if (line[start] === '"') {
      const close = closingQuote(line, start + 1);
      if (close < 0) return undefined;
      cells.push(
        line
          .slice(start + 1, close)
          .replaceAll('""', '"')
          .trim(),
      );
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
  while ((line[at] === ' ' || line[at] === '\t') && !line.startsWith(delimiter, at)) at++;
  return at;
}

function closingQuote(line: string, from: number): number {
  let quote = line.indexOf('"', from);
  while (quote >= 0 && line[quote + 1] === '"') quote = line.indexOf('"', quote + 2);
  return quote;
}

function parseRecords(text: string, file: string, firstRow: number, delimiter: string): string[][] {
  try {
    const records = parse(text, {
      delimiter,
      record_delimiter: ['\n'],
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
