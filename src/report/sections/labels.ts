import type { ReportContext } from '../context.js';
import { sizeText } from '../experiment.js';
import { count, estimateText } from '../format.js';
import type { LabelResult, LabelResults } from '../label-results.js';
import { html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';
import { figureMarkup } from './figure.js';

/** Test AUROC label by label for the tasks that have several. */
export function labelsSection({ labels }: ReportContext): Markup | false {
  if (labels.length === 0) return false;
  return html`<section id="labels" aria-labelledby="h-labels"><h2 id="h-labels">Label by label</h2>
<p class="lead">The configuration selected on validation at each N, as in the key results, on every label of the test set.</p>
${labels.map(({ results, drawn }) => {
  const table = labelTable(results);
  const caption = html`Means over seeds; the pale bar is the 95 % interval at N = ${sizeText(results.sizes.at(-1)!)}. ${undefinedNote(results)}`;
  if (drawn !== undefined) return figureMarkup(drawn, caption, table);
  return html`<h3>${results.title}</h3><p>${undefinedNote(results)}</p>${table}`;
})}</section>`;
}

function isUndefined({ bySize }: LabelResult): boolean {
  return bySize.every(({ mean }) => mean === null);
}

function undefinedNote({ labels }: LabelResults): string {
  const without = labels.filter(isUndefined);
  if (without.length === 0) return 'Every label has positive and negative cases in the test set.';
  const names = without.map(
    ({ label, positives, negatives }) =>
      `${label} (${count(positives)} positive, ${count(negatives)} negative)`,
  );
  return `Undefined for want of positive or negative test cases, and left out of the macro mean: ${names.join(', ')}.`;
}

function labelTable(results: LabelResults): Markup {
  const columns = [
    { title: 'Label' },
    { title: 'Test positives', numeric: true },
    { title: 'Test negatives', numeric: true },
    ...results.sizes.map((size) => ({ title: `N = ${sizeText(size)}`, numeric: true })),
  ];
  const rows = results.labels.map((result) => ({
    cells: [
      { content: result.label },
      { content: count(result.positives) },
      { content: count(result.negatives) },
      ...result.bySize.map((test) => ({ content: test.mean === null ? 'undefined' : estimateText(test) })),
    ],
  }));
  return dataTable(
    `Test AUROC of each label of ${results.title}, ± half the 95 % interval over seeds`,
    columns,
    rows,
  );
}
