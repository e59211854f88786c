import { ThawError } from '../../base/errors.js';
import { suggestionOrList } from '../../base/nearest.js';
import type { DelimitedRow } from '../records.js';
import type { TextTable } from '../table.js';

/** One column a label; one column with joined label names; or one column with a class or with a number in ranges. */
export type CsvLabels =
  | readonly string[]
  | {
      readonly column: string;
      readonly separator: string;
      /** All label names, in order; default: those that occur, sorted. */
      readonly names?: readonly string[] | undefined;
      /** Words for "none of the labels", besides the empty cell; default `No Finding`. */
      readonly none?: readonly string[] | undefined;
    }
  | {
      readonly class: string;
      readonly names?: readonly string[] | undefined;
      /** The column holds numbers; classes are the ranges below, between and from these, ascending: [60, 120] makes three. */
      readonly bins?: readonly number[] | undefined;
    };

/** Words in label columns, without regard to case. */
export interface LabelValues {
  readonly positive?: readonly string[] | undefined;
  readonly negative?: readonly string[] | undefined;
  readonly unknown?: readonly string[] | undefined;
}

export interface LabelReader {
  readonly names: readonly string[];
  readonly exclusive: boolean;
  /** [names] 1, 0 or NaN, until the next call; undefined for a row without a class. Throws DATA with the row. */
  read(cells: DelimitedRow, row: number): Float32Array | undefined;
}

export function labelReader(
  table: TextTable,
  labels: CsvLabels,
  values: LabelValues | undefined,
  exclusive: boolean,
): LabelReader {
  if ('class' in labels) {
    return labels.bins === undefined ? classReader(table, labels) : rangeReader(table, labels, labels.bins);
  }
  const reader = 'column' in labels ? joinedReader(table, labels) : columnsReader(table, labels, values);
  return exclusive ? exactlyOne(table, reader) : reader;
}

const BUILT_IN: Required<LabelValues> = {
  positive: ['1', 'true', 'yes', 'y', 'positive', 'present'],
  negative: ['0', 'false', 'no', 'n', 'negative', 'absent'],
  unknown: ['', '-1', 'nan', 'na', 'n/a', 'null', 'none', 'unknown', 'uncertain'],
};

/** `1.0` and `1` are one word. */
function normalWord(text: string): string {
  const word = text.trim().toLowerCase();
  return word !== '' && Number.isFinite(Number(word)) ? String(Number(word)) : word;
}

function meanings(words: LabelValues): [string, number][] {
  const all = (list: readonly string[] | undefined, value: number) =>
    (list ?? []).map((word): [string, number] => [normalWord(word), value]);
  return [...all(words.positive, 1), ...all(words.negative, 0), ...all(words.unknown, Number.NaN)];
}

function columnsReader(table: TextTable, names: readonly string[], values: LabelValues = {}): LabelReader {
  const positions = names.map((name) => table.column(name));
  const meaning = new Map([...meanings(BUILT_IN), ...meanings(values)]);
  const lookUp = (text: string, label: number, row: number): number => {
    const value = meaning.get(normalWord(text));
    if (value !== undefined) {
      // Another spelling of a known word is looked up once.
      meaning.set(text, value);
      return value;
    }
    throw new ThawError('DATA', `expected a label value (1, 0, empty …) but found '${text}'.`, {
      file: table.file,
      row,
      node: names[label]!,
      hint: "Say what it means with 'values: {positive: […], negative: […], unknown: […]}'.",
    });
  };
  /** What words of one character mean, by its code; most cells are `0` or `1`. */
  const short = Array.from({ length: 128 }, (_, code) => meaning.get(normalWord(String.fromCharCode(code))));
  const found = new Float32Array(names.length);
  const read = (cells: DelimitedRow, row: number) => {
    for (let label = 0; label < positions.length; label++) {
      const position = positions[label]!;
      const value = short[cells.character(position)];
      if (value !== undefined) found[label] = value;
      else {
        const text = cells.cell(position);
        found[label] = meaning.get(text) ?? lookUp(text, label, row);
      }
    }
    return found;
  };
  return { names, exclusive: false, read };
}

function joinedReader(
  table: TextTable,
  labels: Extract<CsvLabels, { readonly separator: string }>,
): LabelReader {
  const position = table.column(labels.column);
  const none = new Set((labels.none ?? ['No Finding']).map((word) => word.toLowerCase())).add('');
  const split = (text: string) =>
    text
      .split(labels.separator)
      .map((part) => part.trim())
      .filter((part) => !none.has(part.toLowerCase()));
  const names = labels.names ?? namesThatOccur(table, position, split);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const parse = (text: string, row: number) => {
    const found = new Float32Array(names.length);
    for (const part of split(text)) found[positionOf(part, indexOf, table.file, row, labels.column)] = 1;
    return found;
  };
  return { names, exclusive: false, read: readOnce(position, parse) };
}

function classReader(table: TextTable, labels: Extract<CsvLabels, { readonly class: string }>): LabelReader {
  const position = table.column(labels.class);
  const names = labels.names ?? namesThatOccur(table, position, (text) => [text]);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const parse = (text: string, row: number) => {
    if (text === '') return undefined;
    const found = new Float32Array(names.length);
    found[positionOf(text, indexOf, table.file, row, labels.class)] = 1;
    return found;
  };
  return { names, exclusive: true, read: readOnce(position, parse) };
}

function rangeReader(
  table: TextTable,
  labels: Extract<CsvLabels, { readonly class: string }>,
  bins: readonly number[],
): LabelReader {
  const position = table.column(labels.class);
  const names = labels.names ?? rangeNames(bins);
  if (names.length !== bins.length + 1) {
    const summary = `expected ${bins.length + 1} names for the ranges of ${bins.length} bins but found ${names.length}.`;
    throw new ThawError('CONFIG', summary, { node: 'names' });
  }
  const parse = (text: string, row: number) => {
    if (text === '') return undefined;
    const value = Number(text);
    if (!Number.isFinite(value)) {
      const place = { file: table.file, row, node: labels.class };
      throw new ThawError('DATA', `expected a number but found '${text}'.`, place);
    }
    const found = new Float32Array(names.length);
    found[bins.filter((bin) => value >= bin).length] = 1;
    return found;
  };
  return { names, exclusive: true, read: readOnce(position, parse) };
}

/** `below 60`, `60 to below 120`, `120 and above`. */
function rangeNames(bins: readonly number[]): string[] {
  const between = bins.slice(1).map((bin, index) => `${bins[index]} to below ${bin}`);
  return [`below ${bins[0]}`, ...between, `${bins.at(-1)} and above`];
}

/** Texts of one column, each parsed once: a table has few different ones. */
function readOnce<Value>(
  position: number,
  parse: (text: string, row: number) => Value,
): (cells: DelimitedRow, row: number) => Value {
  const known = new Map<string, Value>();
  return (cells, row) => {
    const text = cells.cell(position);
    let value = known.get(text);
    if (value === undefined) {
      value = parse(text, row);
      known.set(text, value);
    }
    return value;
  };
}

function namesThatOccur(
  table: TextTable,
  position: number,
  split: (text: string) => readonly string[],
): string[] {
  const texts = new Set<string>();
  table.forEachRow((cells) => texts.add(cells.cell(position)));
  const names = new Set<string>();
  for (const text of texts) for (const name of split(text)) if (name !== '') names.add(name);
  return [...names].sort();
}

function positionOf(
  name: string,
  indexOf: ReadonlyMap<string, number>,
  file: string,
  row: number,
  column: string,
): number {
  const position = indexOf.get(name);
  if (position !== undefined) return position;
  throw new ThawError('DATA', `unknown label '${name}'.`, {
    file,
    row,
    node: column,
    hint: suggestionOrList(name, [...indexOf.keys()]),
  });
}

function exactlyOne(table: TextTable, reader: LabelReader): LabelReader {
  const read = (cells: DelimitedRow, row: number) => {
    const values = reader.read(cells, row)!;
    const present = values.filter((value) => value === 1).length;
    if (present === 1 && !values.some(Number.isNaN)) return values;
    throw new ThawError(
      'DATA',
      `expected exactly one of ${reader.names.length} labels but found ${present}.`,
      {
        file: table.file,
        row,
        hint: "Correct the row, or leave out 'exclusive' where labels may occur together or be unknown.",
      },
    );
  };
  return { names: reader.names, exclusive: true, read };
}
