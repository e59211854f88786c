import { csvField } from '../../base/csv.js';
import type { MeasuredRow } from '../measure.js';
import { type Cell, cellsOf, columnsOf, type TableLayout } from './layout.js';

/** The line of column names. */
export function csvHeader(layout: TableLayout): string {
  return csvLine(columnsOf(layout).map(({ name }) => name));
}

/** The lines of a case; numbers in their shortest form that reads back the same, undefined ones empty. */
export function csvLines(layout: TableLayout, index: number, rows: readonly MeasuredRow[]): string {
  return rows.map((row) => csvLine(cellsOf(layout, index, row))).join('');
}

function csvLine(cells: readonly Cell[]): string {
  const fields = cells.map((cell) =>
    cell === null ? '' : typeof cell === 'number' ? String(cell) : csvField(cell),
  );
  return `${fields.join(',')}\n`;
}
