import { groupBy } from '../../base/group-by.js';
import { summariseOverSeeds } from '../../stats/aggregate.js';
import type { ReportContext } from '../context.js';
import { type Observation, sizeText } from '../experiment.js';
import type { Factor } from '../factors.js';
import { count, metric, plusMinus } from '../format.js';
import { html, type Markup } from '../markup.js';
import { chosenConfiguration } from '../selection.js';
import { type Cell, dataTable, type TableRow } from '../table.js';

/** More rows than this make a page slow to open; then each N keeps its best ones. */
const MOST_ROWS = 2000;
const PAGE_SIZE = 25;

/** Every configuration at every N, means over seeds, sorted by validation. */
export function resultsTableSection({ experiment }: ReportContext): Markup | false {
  const { panels, factors } = experiment;
  if (panels.length === 0) return false;
  const groups = panels.flatMap((panel) =>
    [...groupBy(panel.observations, ({ size }) => size)]
      .toSorted(([a], [b]) => a.count - b.count)
      .map(([, trials]) => ({ title: panel.title, trials })),
  );
  const total = groups.reduce((sum, { trials }) => sum + configurations(trials).length, 0);
  const keep =
    total <= MOST_ROWS ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(MOST_ROWS / groups.length));
  const rows = groups.flatMap(({ title, trials }) => groupRows(title, trials, factors, keep));
  const columns = [
    { title: 'Task' },
    { title: 'N', numeric: true },
    ...factors.map(({ title, levels }) => ({ title, numeric: areNumbers(levels) })),
    { title: 'Validation AUROC', numeric: true },
    { title: 'Test AUROC', numeric: true },
    { title: '± 95 %', numeric: true },
    { title: 'Test AP', numeric: true },
    { title: 'Seeds', numeric: true },
  ];
  return html`<section id="table" aria-labelledby="h-table"><h2 id="h-table">Table of results</h2>
<p class="lead">Means over seeds; ± is half the 95 % interval. ★ marks the configuration selected on validation for its task and N. The best test value of a table is no fair estimate: it was picked by looking at the test set.${
    rows.length < total &&
    ` The ${count(rows.length)} of ${count(total)} rows that validation ranks highest are here; all trials are in trials.csv.`
  }</p>
${dataTable('Results by task, N and configuration', columns, rows, PAGE_SIZE)}</section>`;
}

function configurations(trials: readonly Observation[]): Observation[][] {
  return [...groupBy(trials, ({ configuration }) => configuration).values()];
}

function groupRows(
  title: string,
  trials: readonly Observation[],
  factors: readonly Factor[],
  keep: number,
): TableRow[] {
  const chosen = chosenConfiguration(trials)?.observations[0]?.configuration;
  const ranked = configurations(trials).map((group) => {
    const validation = summariseOverSeeds(group.map((observation) => observation.validation));
    return { group, first: group[0]!, validation, isChosen: group[0]!.configuration === chosen };
  });
  ranked.sort(
    (a, b) =>
      Number(b.isChosen) - Number(a.isChosen) || (b.validation.mean ?? -1) - (a.validation.mean ?? -1),
  );
  return ranked.slice(0, keep).map(({ group, first, validation, isChosen }) => {
    const test = summariseOverSeeds(group.map((observation) => observation.test));
    const ap = summariseOverSeeds(group.map(({ row }) => row.result.test.ap));
    const half = test.low === null || test.high === null ? null : (test.high - test.low) / 2;
    return {
      marked: isChosen,
      cells: [
        {
          content: isChosen
            ? html`${title} <span class="star" title="selected on validation">★</span>`
            : title,
        },
        { content: sizeText(first.size), sort: first.size.count },
        ...levelCells(first.levels, factors),
        { content: metric(validation.mean), sort: validation.mean },
        { content: html`<b>${metric(test.mean)}</b>`, sort: test.mean },
        { content: plusMinus(test), sort: half },
        { content: metric(ap.mean), sort: ap.mean },
        { content: test.n === group.length ? count(test.n) : `${test.n} of ${group.length}`, sort: test.n },
      ],
    };
  });
}

/** One cell a factor, with the level's name. */
export function levelCells(levels: readonly number[], factors: readonly Factor[]): Cell[] {
  return factors.map((factor, index) => ({ content: factor.levels[levels[index]!] }));
}

export function areNumbers(levels: readonly string[]): boolean {
  return levels.every((level) => !Number.isNaN(Number(level)));
}
