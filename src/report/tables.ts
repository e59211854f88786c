import { parquetWriteBuffer } from 'hyparquet-writer';
import { csvField } from '../base/csv.js';
import { writeFileAtomic } from '../base/files.js';
import type { LedgerRow } from '../sweep/ledger.js';
import { supersedes } from '../sweep/ledger.js';
import {
  type Cell,
  type ColumnType,
  FACTOR_COLUMNS,
  labelColumn,
  TRIAL_COLUMNS,
  type TrialColumn,
} from './columns.js';

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** [rows]; null where undefined, numbers are finite. */
  readonly values: readonly Cell[];
}

/** One row a trial, by columns. */
export interface TrialTable {
  readonly rows: number;
  readonly columns: readonly TableColumn[];
}

/**
 * Ledger rows as a table, one row a trial in its last state: an `ok` row before any failure, else the latest attempt. Rows
 * are sorted by what the trial is (columns `dataset` … `validation`), so the table does not depend on who ran what when.
 * After the columns that every table has come `auroc_test[<label>]` for every label of every task.
 */
export function trialRows(rows: readonly LedgerRow[]): TrialTable {
  const last = lastStates(rows);
  const columns = [...TRIAL_COLUMNS, ...labelsOf(last).map(labelColumn)].map((column) =>
    filled(column, last),
  );
  const order = orderByFactors(columns);
  return { rows: last.length, columns: columns.map((column) => reordered(column, order)) };
}

function lastStates(rows: readonly LedgerRow[]): LedgerRow[] {
  const byTrial = new Map<string, LedgerRow>();
  for (const row of rows) {
    const known = byTrial.get(row.trial);
    if (known === undefined || supersedes(row, known)) byTrial.set(row.trial, row);
  }
  return [...byTrial.values()];
}

/** Labels of the tasks that were run, task by task, each in the order of its outputs. */
function labelsOf(rows: readonly LedgerRow[]): string[] {
  const byTask = new Map<string, readonly string[]>();
  for (const row of rows) {
    const task = `${row.spec.task} ${row.spec.dataset}`;
    if (row.status === 'failed' || byTask.has(task)) continue;
    const labels = row.result.test.labels.map(({ label }) => label);
    byTask.set(task, labels);
  }
  const tasks = [...byTask.keys()].sort();
  return [...new Set(tasks.flatMap((task) => byTask.get(task) ?? []))];
}

function filled({ name, type, value }: TrialColumn, rows: readonly LedgerRow[]): TableColumn {
  return { name, type, values: rows.map((row) => cell(value(row))) };
}

/** Rows written by another version may lack a field, and JSON has no NaN: both are undefined here. */
function cell(value: Cell | undefined): Cell {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return null;
  return value;
}

/** Indices of the rows in the order of the table. */
function orderByFactors(columns: readonly TableColumn[]): number[] {
  const factors = new Set(FACTOR_COLUMNS.map(({ name }) => name));
  const trials = columns.find(({ name }) => name === 'trial')?.values ?? [];
  const keys = columns
    .filter(({ name, values }) => factors.has(name) && varies(values))
    .map(({ values }) => values);
  keys.push(trials);
  return Array.from(trials.keys()).sort((a, b) => {
    for (const values of keys) {
      const difference = compareCells(values[a] as Cell, values[b] as Cell);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function varies(values: readonly Cell[]): boolean {
  return values.some((value) => value !== values[0]);
}

function reordered(column: TableColumn, order: readonly number[]): TableColumn {
  if (!varies(column.values)) return column;
  return { ...column, values: order.map((index) => column.values[index] as Cell) };
}

/** Numbers by size, texts by code units, null last. */
function compareCells(a: Cell, b: Cell): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}

/** RFC 4180 with `\n` line ends and a header; numbers in their shortest form that reads back the same, null is empty. */
export function csvText({ rows, columns }: TrialTable): string {
  const lines = [columns.map(({ name }) => csvField(name)).join(',')];
  for (let row = 0; row < rows; row++) {
    lines.push(columns.map(({ values }) => csvCell(values[row] ?? null)).join(','));
  }
  return `${lines.join('\n')}\n`;
}

function csvCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  return csvField(value);
}

/** Writes `csvText` in one piece; a ThawError IO when it cannot. */
export function writeTrialsCsv(path: string, table: TrialTable): Promise<void> {
  return writeFileAtomic(path, csvText(table));
}

const PARQUET_TYPES = {
  string: 'STRING',
  double: 'DOUBLE',
  int32: 'INT32',
  int64: 'INT64',
  boolean: 'BOOLEAN',
} as const;

/** Writes the table as Parquet (typed, nullable columns) in one piece; a ThawError IO when it cannot. */
export function writeTrialsParquet(path: string, table: TrialTable): Promise<void> {
  const columnData = table.columns.map(({ name, type, values }) => ({
    name,
    type: PARQUET_TYPES[type],
    data: type === 'int64' ? values.map((value) => (value === null ? null : BigInt(value))) : [...values],
  }));
  return writeFileAtomic(path, new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'thaw' })));
}
