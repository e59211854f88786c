import { ThawError } from '../../base/errors.js';
import { suggestionOrList } from '../../base/nearest.js';
import type { TextTable } from '../table.js';

/** One column a label; one column with joined label names; or one column with a class. */
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
  | { readonly class: string; readonly names?: readonly string[] | undefined };

/** Words in label columns, without regard to case. */
export interface LabelValues {
  readonly positive?: readonly string[] | undefined;
  readonly negative?: readonly string[] | undefined;
  readonly unknown?: readonly string[] | undefined;
}

export interface LabelReader {
  readonly names: readonly string[];
  readonly exclusive: boolean;
  /** [names] 1, 0 or NaN; undefined for a row without a class. Throws DATA with the row. */
  read(cells: readonly string[], row: number): readonly number[] | undefined;
}

export function labelReader(
  table: TextTable,
  labels: CsvLabels,
  values: LabelValues | undefined,
  exclusive: boolean,
): LabelReader {
  if ('class' in labels) return classReader(table, labels);
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
  const read = (cells: readonly string[], row: number) =>
    positions.map((position, label) => {
      const text = cells[position]!;
      const value = meaning.get(text) ?? meaning.get(normalWord(text));
      if (value !== undefined) return value;
      throw new ThawError('DATA', `expected a label value (1, 0, empty …) but found '${text}'.`, {
        file: table.file,
        row,
        node: names[label]!,
        hint: "Say what it means with 'values: {positive: […], negative: […], unknown: […]}'.",
      });
    });
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
  const names = labels.names ?? namesThatOccur(table, (cells) => split(cells[position]!));
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const read = (cells: readonly string[], row: number) => {
    const found = names.map(() => 0);
    for (const part of split(cells[position]!)) {
      found[positionOf(part, indexOf, table.file, row, labels.column)] = 1;
    }
    return found;
  };
  return { names, exclusive: false, read };
}

function classReader(table: TextTable, labels: Extract<CsvLabels, { readonly class: string }>): LabelReader {
  const position = table.column(labels.class);
  const names = labels.names ?? namesThatOccur(table, (cells) => [cells[position]!]);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const read = (cells: readonly string[], row: number) => {
    const text = cells[position]!;
    if (text === '') return undefined;
    const chosen = positionOf(text, indexOf, table.file, row, labels.class);
    return names.map((_, index) => (index === chosen ? 1 : 0));
  };
  return { names, exclusive: true, read };
}

function namesThatOccur(table: TextTable, split: (cells: readonly string[]) => readonly string[]): string[] {
  const names = new Set<string>();
  for (const [cells] of table.rows()) for (const name of split(cells)) if (name !== '') names.add(name);
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
  const read = (cells: readonly string[], row: number) => {
    const values = reader.read(cells, row) ?? [];
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
