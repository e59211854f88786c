import type { MeasuredRow } from '../measure.js';

export type Cell = string | number | null;

export interface TableColumn {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'number';
}

/** The columns of a table of features and what stands in them. */
export interface TableLayout {
  /** What is known of a case before it is measured: its file, patient, …; columns and [cases] their cells. */
  readonly lead: readonly TableColumn[];
  readonly leadCells: (index: number) => readonly Cell[];
  readonly withSlices: boolean;
  readonly withLabels: boolean;
  readonly features: readonly string[];
}

/** Names that a table always has, or may have. */
export const OWN_COLUMNS = ['slice', 'mask_label', 'undefined', 'by_convention', 'problem'];

/**
 * What is known before, `slice` and `mask_label` where there may be several, one column a feature, and of each row how many
 * features are `undefined` (empty), how many are a number `by_convention`, and its `problem`.
 */
export function columnsOf({ lead, withSlices, withLabels, features }: TableLayout): readonly TableColumn[] {
  return [
    ...lead,
    ...(withSlices ? [{ name: 'slice', type: 'integer' as const }] : []),
    ...(withLabels ? [{ name: 'mask_label', type: 'number' as const }] : []),
    ...features.map((name) => ({ name, type: 'number' as const })),
    { name: 'undefined', type: 'integer' },
    { name: 'by_convention', type: 'integer' },
    { name: 'problem', type: 'text' },
  ];
}

/** The cells of a row, in the order of the columns. */
export function cellsOf(layout: TableLayout, index: number, row: MeasuredRow): Cell[] {
  const values = row.values ?? layout.features.map(() => null);
  return [
    ...layout.leadCells(index),
    ...(layout.withSlices ? [row.slice] : []),
    ...(layout.withLabels ? [row.label] : []),
    ...values,
    undefinedOf(row, layout.features.length),
    row.conventional,
    row.problem,
  ];
}

/** Features of a row that are undefined. */
export function undefinedOf({ values }: MeasuredRow, features: number): number {
  return values === null
    ? features
    : values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
}
