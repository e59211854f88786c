import { type SeedSummary, summariseOverSeeds } from '../../stats/aggregate.js';
import type { ReportContext } from '../context.js';
import { configurationText, type Panel, sizeText } from '../experiment.js';
import type { Factor } from '../factors.js';
import { counted, metric, plusMinus } from '../format.js';
import { chosenBySize } from '../label-results.js';
import { html, type Markup } from '../markup.js';
import type { ChosenConfiguration } from '../selection.js';

/** One card a task: what validation would choose at the largest and the smallest N, and what that is worth on the test set. */
export function keyResultsSection({ experiment, rows }: ReportContext): Markup {
  const { panels, factors } = experiment;
  if (panels.length === 0) {
    return html`<section id="results" aria-labelledby="h-results"><h2 id="h-results">Key results</h2><p class="empty">No trial has finished, so there are no results yet.</p></section>`;
  }
  return html`<section id="results" aria-labelledby="h-results"><h2 id="h-results">Key results</h2>
<p class="lead">Test AUROC of the configuration selected on validation (highest mean validation AUROC over seeds), ± half the 95 % interval over seeds.</p>
${seenWarnings(rows)}
<div class="cards">${panels.map((panel) => card(panel, factors))}</div></section>`;
}

/** Sources whose weights have seen what they are tested on. */
function seenWarnings(rows: ReportContext['rows']): Markup | false {
  const seen = new Map(
    rows.flatMap(({ seenData, spec }) =>
      seenData === undefined ? [] : [[`${spec.source} ${spec.dataset}`, { ...spec, seenData }] as const],
    ),
  );
  if (seen.size === 0) return false;
  const lines = [...seen.values()].map(
    ({ source, dataset, seenData }) =>
      html`<li class="bad"><b>Results of ${source} on ${dataset} are too good:</b> its weights have seen images of ${seenData}, and the test images may be among them.</li>`,
  );
  return html`<ul class="checks">${lines}</ul>`;
}

interface Result {
  readonly chosen: ChosenConfiguration;
  readonly test: SeedSummary;
}

function card(panel: Panel, factors: readonly Factor[]): Markup {
  const results = chosenBySize(panel).map((chosen): Result => {
    return { chosen, test: summariseOverSeeds(chosen.observations.map(({ test }) => test)) };
  });
  const largest = results.at(-1)!;
  const smallest = results.length > 1 ? results[0] : undefined;
  return html`<article class="card"><h3>${panel.title}</h3>
<p class="big">${metric(largest.test.mean)}<span>${plusMinus(largest.test)}</span></p>
<p class="at">at N = ${sizeText(largest.chosen.size)}, the ${smallest === undefined ? 'only size' : 'largest'}${largest.test.mean === null ? '; undefined on this test set' : ''}</p>
<p class="config">${configurationText(largest.chosen.levels, factors)}</p>
${strip(smallest?.test, largest.test)}
${
  smallest &&
  html`<p class="small"><b>${metric(smallest.test.mean)}</b> ${plusMinus(smallest.test)} at N = ${sizeText(smallest.chosen.size)}</p><p class="config">${configurationText(smallest.chosen.levels, factors)}</p>`
}
<p class="fine">${basis(largest)}</p></article>`;
}

function basis({ chosen, test }: Result): string {
  const compared =
    chosen.candidates === 1 ? 'no other configuration' : `best of ${chosen.candidates} configurations`;
  return `${counted(test.n, 'seed')}${test.n === 1 ? ' (no interval)' : ''}; ${compared}`;
}

const WIDTH = 240;
const LEFT = 0.4;

/** AUROC from 0.4 to 1 with chance, the interval and mean at the smallest (open) and at the largest N (filled). */
function strip(smallest: SeedSummary | undefined, largest: SeedSummary): Markup | false {
  if (largest.mean === null) return false;
  const x = (value: number) =>
    (6 + ((Math.min(1, Math.max(LEFT, value)) - LEFT) / (1 - LEFT)) * (WIDTH - 12)).toFixed(1);
  const bar = ({ low, high }: SeedSummary, y: number) =>
    low !== null &&
    high !== null &&
    html`<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" class="bar"/>`;
  const from = smallest?.mean ?? null;
  const ticks = [0.5, 0.6, 0.7, 0.8, 0.9, 1].map(
    (tick) =>
      html`<line x1="${x(tick)}" x2="${x(tick)}" y1="18" y2="22" class="tick"/><text x="${x(tick)}" y="34" text-anchor="middle">${tick === 0.5 ? 'chance' : tick.toFixed(1)}</text>`,
  );
  return html`<svg class="strip" viewBox="0 0 ${WIDTH} 38" aria-hidden="true"><line x1="6" x2="${WIDTH - 6}" y1="18" y2="18" class="base"/><line x1="${x(0.5)}" x2="${x(0.5)}" y1="2" y2="18" class="chance"/>${ticks}${
    from !== null &&
    html`<line x1="${x(from)}" x2="${x(largest.mean)}" y1="10" y2="10" class="way"/>${bar(smallest!, 10)}<circle cx="${x(from)}" cy="10" r="4.5" class="from"/>`
  }${bar(largest, 10)}<circle cx="${x(largest.mean)}" cy="10" r="5.5" class="to"/></svg>`;
}
