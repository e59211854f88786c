import { groupBy } from '../../base/group-by.js';
import { type SeedSummary, summariseOverSeeds } from '../../stats/aggregate.js';
import type { ReportContext } from '../context.js';
import { type Panel, type Size, sizeText } from '../experiment.js';
import type { Factor } from '../factors.js';
import { counted, estimateText, metric } from '../format.js';
import { html, type Markup } from '../markup.js';
import { chosenForEachSeed } from '../selection.js';

/** What is tuned on a fixed network; a factor here is looked at against the others. */
const TUNED: readonly Factor['key'][] = ['lr', 'dropout', 'policy', 'weightDecay', 'optimizer'];
/** A loss of this much AUROC against the best cell has no colour left. */
const PALE = 0.05;
/** Tables of further tasks are folded away. */
const OPEN_PANELS = 3;

interface Axis {
  readonly factor: Factor;
  readonly index: number;
}

/** How much the choice of learning rate, dropout and policy matters, at the smallest and at the largest N. */
export function tuningSection({ experiment }: ReportContext): Markup | false {
  const axes = TUNED.flatMap((key): Axis[] => {
    const index = experiment.factors.findIndex((factor) => factor.key === key);
    return index < 0 ? [] : [{ factor: experiment.factors[index]!, index }];
  });
  const [across, ...down] = axes;
  if (across === undefined || down.length === 0) return false;
  return html`<section id="tuning" aria-labelledby="h-tuning"><h2 id="h-tuning">How much tuning matters</h2>
<p class="lead">Mean <b>validation</b> AUROC over seeds; whatever else varies is at its best on validation. The deeper the colour, the closer to the best cell of its table; ${PALE.toFixed(2)} below it nothing is left. A flat table says: no need to tune.</p>
${experiment.panels.slice(0, OPEN_PANELS).map((panel) => panelTables(panel, across, down))}${
  experiment.panels.length > OPEN_PANELS &&
  html`<details><summary>${counted(experiment.panels.length - OPEN_PANELS, 'more task')}</summary>${experiment.panels.slice(OPEN_PANELS).map((panel) => panelTables(panel, across, down))}</details>`
}</section>`;
}

function panelTables(panel: Panel, across: Axis, down: readonly Axis[]): Markup {
  const sizes = panel.sizes.length > 1 ? [panel.sizes[0]!, panel.sizes.at(-1)!] : panel.sizes;
  return html`<h3>${panel.title}</h3><div class="heats">${sizes.map((size) => heatTable(panel, size, across, down))}</div>`;
}

function heatTable(panel: Panel, size: Size, across: Axis, down: readonly Axis[]): Markup {
  const observations = panel.observations.filter((observation) => observation.size === size);
  const rowOf = (levels: readonly number[]) => down.map(({ index }) => levels[index]).join(' ');
  const rows = groupBy(observations, ({ levels }) => rowOf(levels));
  const cells = [...rows.values()].map((inRow) => ({
    levels: inRow[0]!.levels,
    byColumn: across.factor.levels.map((_, level) => {
      const trials = inRow.filter(({ levels }) => levels[across.index] === level);
      return summariseOverSeeds(chosenForEachSeed(trials).map(({ validation }) => validation));
    }),
  }));
  cells.sort((a, b) => compareLevels(down, a.levels, b.levels));
  const best = Math.max(...cells.flatMap(({ byColumn }) => byColumn.map(({ mean }) => mean ?? 0)));
  const caption = `${panel.title}, N = ${sizeText(size)}: validation AUROC`;
  const head = html`<tr>${down.map(({ factor }) => html`<th scope="col" rowspan="2">${factor.title}</th>`)}<th scope="colgroup" class="n" colspan="${across.factor.levels.length}">${across.factor.title}</th></tr><tr>${across.factor.levels.map((name) => html`<th scope="col" class="n">${name}</th>`)}</tr>`;
  const body = cells.map(
    ({ levels, byColumn }) =>
      html`<tr>${down.map(({ factor, index }) => html`<th scope="row">${factor.levels[levels[index]!]}</th>`)}${byColumn.map((value) => heatCell(value, best))}</tr>`,
  );
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="heat"><caption>N = ${sizeText(size)}</caption><thead>${head}</thead><tbody>${body}</tbody></table></div>`;
}

function compareLevels(down: readonly Axis[], a: readonly number[], b: readonly number[]): number {
  for (const { index } of down) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function heatCell(value: SeedSummary, best: number): Markup {
  if (value.mean === null) return html`<td class="n">–</td>`;
  const closeness = Math.max(0, 1 - (best - value.mean) / PALE);
  const isBest = value.mean === best;
  return html`<td class="n${isBest && ' best'}" style="--k:${Math.round(closeness * 46)}%" title="${estimateText(value)}">${metric(value.mean)}</td>`;
}
