import type { ReportContext } from '../context.js';
import { sizeText } from '../experiment.js';
import { count, counted, moment } from '../format.js';
import { type Content, html, type Markup } from '../markup.js';

/** Name, time, progress and the facts that place the results. */
export function headerSection(context: ReportContext): Markup {
  const { name, rows, data, experiment } = context;
  const images = data.map(
    (summary) =>
      `${summary.dataset}: ${counted(summary.images, 'image')} of ${counted(summary.patients, 'patient')}`,
  );
  const seeds = new Set(experiment.ok.map(({ spec }) => spec.seed)).size;
  const facts: [string, Content][] = [
    ['Data', images.length === 0 ? '–' : images.map((line) => html`<span>${line}</span>`)],
    ['Tasks', [...new Set(experiment.panels.map(({ task }) => task))].join(', ') || '–'],
    ['Training set sizes', sizes(context)],
    ['Seeds', seeds === 0 ? '–' : count(seeds)],
    [
      'Varied',
      experiment.factors.map(({ title, levels }) => `${title} (${levels.length})`).join(', ') ||
        'nothing but size and seed',
    ],
  ];
  return html`<header class="top">
<p class="brand">thaw <span>transfer learning on small medical imaging data sets</span></p>
<h1>${name}</h1>
<p class="when">${period(rows.map(({ finishedAt }) => finishedAt))}</p>
${progress(context)}
<dl class="facts">${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

function sizes({ experiment }: ReportContext): string {
  const texts = new Map(experiment.panels.flatMap((panel) => panel.sizes).map((size) => [size.key, size]));
  const ordered = [...texts.values()].toSorted((a, b) => a.count - b.count);
  return (
    ordered
      .map((size) =>
        experiment.panels.length === 1 ? sizeText(size) : size.key === 'all' ? 'all' : count(size.count),
      )
      .join(', ') || '–'
  );
}

function period(times: readonly string[]): string {
  const [first, last] = [times.toSorted()[0], times.toSorted().at(-1)];
  if (first === undefined || last === undefined) return 'No trial has finished yet.';
  return moment(first) === moment(last)
    ? `Trials finished ${moment(first)}`
    : `Trials finished ${moment(first)} to ${moment(last)}`;
}

function progress({ experiment, planned, left }: ReportContext): Markup {
  const parts: [string, number, string][] = [
    ['done', experiment.ok.length, 'done'],
    ['failed', experiment.failed.length, 'failed'],
    ['left', left, 'left'],
  ];
  const total = Math.max(1, experiment.ok.length + experiment.failed.length + left);
  const bar = parts.map(
    ([kind, number]) =>
      number > 0 && html`<i class="${kind}" style="width:${((number / total) * 100).toFixed(2)}%"></i>`,
  );
  const words = parts.map(
    ([kind, number, word]) => html`<li class="${kind}"><b>${count(number)}</b> ${word}</li>`,
  );
  const finished = experiment.ok.length + experiment.failed.length;
  return html`<div class="progress"><div class="track" aria-hidden="true">${bar}</div><ul><li><b>${count(planned)}</b> ${planned === 1 ? 'trial' : 'trials'}</li>${words}</ul></div>${
    left > 0 &&
    html`
<p class="banner" role="status"><b>Incomplete: ${count(finished)} of ${counted(planned, 'trial')}.</b> What is missing may change every number below; run the same sweep again and it goes on where it stopped.</p>`
  }`;
}
