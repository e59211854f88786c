import { type Content, html, type Markup } from './markup.js';

export interface Column {
  readonly title: string;
  /** Right-aligned and sorted as a number. */
  readonly numeric?: boolean;
}

/** A cell; `sort` is what it is sorted by where that is not its text. */
export interface Cell {
  readonly content: Content;
  readonly sort?: number | null;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  /** Set apart from the others, and how a reader is told so. */
  readonly marked?: boolean;
}

/**
 * A table in its own scrolling region. With `pageSize` the page's script adds sorting, a filter and paging; without script
 * all rows are there.
 */
export function dataTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly TableRow[],
  pageSize?: number,
): Markup {
  const head = columns.map(
    ({ title, numeric }) => html`<th scope="col"${numeric ? NUMERIC : ''}>${title}</th>`,
  );
  const body = rows.map(
    ({
      cells,
      marked,
    }) => html`<tr${marked ? MARKED : ''}>${cells.map((cell, index) => renderCell(cell, columns[index]?.numeric === true))}</tr>
`,
  );
  const paged = pageSize === undefined ? '' : html` data-page="${pageSize}"`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table${paged}><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>`;
}

const NUMERIC = html` class="n"`;
const MARKED = html` class="marked"`;

function renderCell({ content, sort }: Cell, numeric: boolean): Markup {
  const key = sort === undefined ? '' : html` data-v="${sort ?? ''}"`;
  return html`<td${numeric ? NUMERIC : ''}${key}>${content}</td>`;
}
