import type { ReportContext } from '../context.js';
import type { Observation } from '../experiment.js';
import { sizeText } from '../experiment.js';
import type { Factor } from '../factors.js';
import { count, counted, duration, metric } from '../format.js';
import { html, type Markup } from '../markup.js';
import { dataTable, type TableRow } from '../table.js';
import { areNumbers, levelCells } from './results-table.js';

/** Above this the page would be large and slow; the whole table is in `trials.csv`. */
export const MOST_TRIALS = 2000;
const PAGE_SIZE = 25;

/** One row a finished trial. */
export function trialsSection({ experiment, rows }: ReportContext): Markup | false {
  if (rows.length === 0) return false;
  const files = html`<a href="../trials.csv">trials.csv</a> and <a href="../trials.parquet">trials.parquet</a>`;
  const { ok, factors, panels } = experiment;
  const heading = html`<h2 id="h-trials">All trials</h2>`;
  if (ok.length > MOST_TRIALS) {
    return html`<section id="trials" aria-labelledby="h-trials">${heading}<p class="lead">${counted(rows.length, 'trial')} are too many for a page that opens at once. They are, one row each, in ${files}.</p></section>`;
  }
  const columns = [
    { title: 'Trial' },
    { title: 'Task' },
    { title: 'N', numeric: true },
    { title: 'Seed', numeric: true },
    ...factors.map(({ title, levels }) => ({ title, numeric: areNumbers(levels) })),
    { title: 'Validation AUROC', numeric: true },
    { title: 'Test AUROC', numeric: true },
    { title: 'Test AP', numeric: true },
    { title: 'Best epoch, from 0', numeric: true },
    { title: 'Training time', numeric: true },
  ];
  const body = panels.flatMap(({ title, observations }) =>
    observations.map((one) => trialRow(title, one, factors)),
  );
  return html`<section id="trials" aria-labelledby="h-trials">${heading}
<p class="lead">One row a finished trial; with every metric, timing and version in ${files}.</p>
${ok.length > 0 && dataTable(`${count(ok.length)} finished trials`, columns, body, PAGE_SIZE)}</section>`;
}

function trialRow(title: string, observation: Observation, factors: readonly Factor[]): TableRow {
  const { row, size, seed, levels, validation, test } = observation;
  const { result, trial } = row;
  return {
    cells: [
      { content: html`<code title="${trial}">${trial.slice(0, 8)}</code>` },
      { content: title },
      { content: sizeText(size), sort: size.count },
      { content: seed },
      ...levelCells(levels, factors),
      { content: metric(validation), sort: validation },
      { content: metric(test), sort: test },
      { content: metric(result.test.ap), sort: result.test.ap },
      { content: result.bestEpoch },
      { content: duration(result.timing.train), sort: result.timing.train },
    ],
  };
}
