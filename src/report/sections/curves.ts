import type { ReportContext } from '../context.js';
import type { CurveFigure } from '../curves.js';
import { type Size, sizeText } from '../experiment.js';
import { estimateText } from '../format.js';
import { html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';
import { figureMarkup } from './figure.js';

/** AUC against N: the best configuration, and one figure for every factor that varies. */
export function curvesSection({ curves }: ReportContext): Markup | false {
  if (curves.length === 0) return false;
  const tabs = curves.map(({ figure }) => html`<a href="#${figure.id}">${figure.tab}</a>`);
  return html`<section id="curves" aria-labelledby="h-curves"><h2 id="h-curves">AUROC against training set size</h2>
<div data-tabs>${curves.length > 1 && html`<nav class="tabs" aria-label="Compare by">${tabs}</nav>`}
${curves.map(({ figure, drawn }) => figureMarkup(drawn, figure.caption, numbers(figure)))}</div></section>`;
}

function numbers(figure: CurveFigure): Markup {
  const several = figure.panels.length > 1;
  const columns = [
    ...(several ? [{ title: 'Task' }] : []),
    { title: 'N', numeric: true },
    ...figure.levels.map((title) => ({ title, numeric: true })),
  ];
  const rows = figure.panels.flatMap(({ title, sizes, points }) =>
    distinct(sizes).map((size) => ({
      cells: [
        ...(several ? [{ content: title }] : []),
        { content: sizeText(size) },
        ...figure.levels.map((_, level) => {
          const point = points.find(
            (candidate) => candidate.level === level && sizeText(candidate.size) === sizeText(size),
          );
          return { content: point === undefined ? '' : estimateText(point.test) };
        }),
      ],
    })),
  );
  return dataTable(`${figure.title}: mean test AUROC ± half the 95 % interval over seeds`, columns, rows);
}

function distinct(sizes: readonly Size[]): Size[] {
  return [...new Map(sizes.map((size) => [sizeText(size), size])).values()];
}
