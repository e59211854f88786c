import { csvField } from '../base/csv.js';
import { FAMILIES, type FeatureDescription } from '../radiomics/catalogue.js';
import { PAPER79 } from '../radiomics/paper79.js';

interface Line {
  readonly name: string;
  readonly code: string;
  readonly unit: string;
  readonly source: string;
  readonly title: string;
}

const HEADER: Line = { name: 'name', code: 'IBSI code', unit: 'unit', source: 'source', title: 'feature' };

/** Every feature by its tag, whatever the image and the aggregation. */
export function catalogueLines(): readonly Line[] {
  return [
    ...FAMILIES.flatMap(({ key, source, features }) =>
      features.map(([tag, title, code, unit]) => ({
        name: `${key}_${tag}`,
        code: code ?? '',
        unit,
        source,
        title,
      })),
    ),
    ...columnLines(PAPER79),
  ];
}

/** The columns of a table. */
export function columnLines(features: readonly FeatureDescription[]): readonly Line[] {
  return features.map(({ name, code, unit, source, title }) => ({
    name,
    code: code ?? '',
    unit,
    source,
    title,
  }));
}

/** Lines with a header: CSV, or columns of text that line up. */
export function listText(lines: readonly Line[], asCsv: boolean): string {
  const rows = [HEADER, ...lines].map((line) => [line.name, line.code, line.unit, line.source, line.title]);
  if (asCsv) return rows.map((row) => `${row.map(csvField).join(',')}\n`).join('');
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
