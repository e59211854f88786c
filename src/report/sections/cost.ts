import { median } from '../../stats/summary.js';
import type { OkRow } from '../../sweep/ledger.js';
import type { TrialTiming } from '../../train/trial.js';
import type { ReportContext } from '../context.js';
import { count, duration, rate } from '../format.js';
import { html, type Markup } from '../markup.js';
import { groupBy } from '../selection.js';
import { dataTable } from '../table.js';

const PHASES: readonly {
  readonly key: keyof TrialTiming;
  readonly title: string;
  readonly colour: string;
}[] = [
  { key: 'decode', title: 'Decode', colour: 'c7' },
  { key: 'extract', title: 'Extract features', colour: 'c1' },
  { key: 'train', title: 'Train heads', colour: 'c2' },
  { key: 'evaluate', title: 'Evaluate', colour: 'c3' },
];

/** What the results cost: seconds by phase, rates and memory. */
export function costSection({ experiment: { ok } }: ReportContext): Markup | false {
  if (ok.length === 0) return false;
  const seconds = PHASES.map(({ key }) => ok.reduce((sum, { result }) => sum + result.timing[key], 0));
  const total = seconds.reduce((sum, value) => sum + value, 0);
  const train = seconds[2]!;
  const tiles: [string, string][] = [
    [count(ok.length), ok.length === 1 ? 'head trained' : 'heads trained'],
    [duration(total), 'computing time in all'],
    [train > 0 ? rate(ok.length / train) : '–', 'heads trained a second'],
    [
      rate(median(ok.map(({ result }) => result.extractImagesPerSecond)) ?? 0),
      'images a second through the frozen network (median)',
    ],
  ];
  const bar = PHASES.map(
    ({ colour }, index) =>
      seconds[index]! > 0 &&
      html`<i style="width:${((seconds[index]! / total) * 100).toFixed(2)}%;background:var(--${colour})"></i>`,
  );
  const key = PHASES.map(
    ({ title, colour }, index) =>
      html`<li><i style="background:var(--${colour})"></i>${title} <b>${duration(seconds[index]!)}</b></li>`,
  );
  return html`<section id="cost" aria-labelledby="h-cost"><h2 id="h-cost">Time and cost</h2>
<p class="lead">Work that trials share (decoding, feature extraction) is done once and counted once, shared out over the trials; what came from an earlier run counts what it cost then.</p>
<dl class="tiles">${tiles.map(([value, label]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
<div class="phases" aria-hidden="true">${bar}</div><ul class="legend">${key}</ul>
${sourceTable(ok)}</section>`;
}

function sourceTable(ok: readonly OkRow[]): Markup {
  const columns = [
    { title: 'Data set' },
    { title: 'Source' },
    { title: 'Architecture' },
    { title: 'Device' },
    ...[
      'Heads',
      'Extraction, images/s',
      'Training, samples/s',
      ...PHASES.map(({ title }) => title),
      'Peak memory',
    ].map((title) => ({ title, numeric: true })),
  ];
  const groups = groupBy(ok, ({ spec, result }) =>
    JSON.stringify([spec.dataset, spec.source, spec.arch, result.device]),
  );
  const rows = [...groups.values()].map((group) => {
    const { spec, result } = group[0]!;
    const middle = (values: readonly number[]) => rate(median(values) ?? 0);
    return {
      cells: [
        ...[spec.dataset, spec.source, spec.arch, result.device].map((content) => ({ content })),
        { content: count(group.length) },
        { content: middle(group.map((row) => row.result.extractImagesPerSecond)) },
        { content: middle(group.map((row) => row.result.trainImagesPerSecond)) },
        ...PHASES.map(({ key }) => ({
          content: duration(group.reduce((sum, row) => sum + row.result.timing[key], 0)),
        })),
        { content: `${count(group.reduce((most, row) => Math.max(most, row.result.peakMemoryMb), 0))} MB` },
      ],
    };
  });
  return dataTable('Time by data set, source and device', columns, rows);
}
