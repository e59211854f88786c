import { groupBy } from '../../base/group-by.js';
import { median } from '../../stats/summary.js';
import type { OkRow } from '../../sweep/ledger.js';
import type { TrialTiming } from '../../train/trial.js';
import type { ReportContext } from '../context.js';
import { count, duration, rate } from '../format.js';
import { html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';

const PHASES: readonly {
  readonly key: keyof TrialTiming;
  readonly title: string;
  readonly colour: string;
}[] = [
  { key: 'decode', title: 'Decode', colour: 'c7' },
  { key: 'extract', title: 'Extract features', colour: 'c1' },
  { key: 'train', title: 'Train', colour: 'c2' },
  { key: 'evaluate', title: 'Evaluate', colour: 'c3' },
];

/**
 * Seconds that were spent on some trials. A trial records what it would have cost alone; decoding and extraction are done
 * once for all trials on a store, so of those the most that one trial needed counts.
 */
function secondsSpent(rows: readonly OkRow[]): TrialTiming {
  const sum = (key: keyof TrialTiming) => rows.reduce((total, { result }) => total + result.timing[key], 0);
  const once = (key: keyof TrialTiming, storeOf: (row: OkRow) => unknown) => {
    const stores = groupBy(rows, (row) => JSON.stringify(storeOf(row)));
    const most = (group: readonly OkRow[]) =>
      group.reduce((largest, { result }) => Math.max(largest, result.timing[key]), 0);
    return [...stores.values()].reduce((total, group) => total + most(group), 0);
  };
  return {
    decode: once('decode', ({ spec }) => [spec.dataset, spec.dataFingerprint]),
    extract: once('extract', ({ spec }) => [
      spec.dataset,
      spec.dataFingerprint,
      spec.sourceFingerprint,
      spec.cut,
      spec.featureDtype,
    ]),
    train: sum('train'),
    evaluate: sum('evaluate'),
  };
}

function total(timing: TrialTiming): number {
  return PHASES.reduce((sum, { key }) => sum + timing[key], 0);
}

/** What the results cost: seconds by phase, rates and memory. */
export function costSection({ experiment: { ok } }: ReportContext): Markup | false {
  if (ok.length === 0) return false;
  const spent = secondsSpent(ok);
  const all = total(spent);
  const alone = ok.reduce((sum, { result }) => sum + total(result.timing), 0);
  const imagesPerSecond = extractionRate(ok.filter(({ spec }) => spec.regression === undefined));
  const tiles: [string, string][] = [
    [count(ok.length), ok.length === 1 ? 'trial trained' : 'trials trained'],
    [duration(all), 'computing time in all, shared work counted once'],
    [duration(alone), 'if every trial had decoded and extracted for itself'],
    [spent.train > 0 ? rate(ok.length / spent.train) : '–', 'trials trained a second and thread'],
    [
      imagesPerSecond === null ? '–' : rate(imagesPerSecond),
      'images a second through the frozen network (median)',
    ],
  ];
  const bar = PHASES.map(
    ({ key, colour }) =>
      spent[key] > 0 &&
      html`<i style="width:${((spent[key] / all) * 100).toFixed(2)}%;background:var(--${colour})"></i>`,
  );
  const legend = PHASES.map(
    ({ key, title, colour }) =>
      html`<li><i style="background:var(--${colour})"></i>${title} <b>${duration(spent[key])}</b></li>`,
  );
  return html`<section id="cost" aria-labelledby="h-cost"><h2 id="h-cost">Time and cost</h2>
<p class="lead">Trials share their decoded images and extracted features. Both are counted once, as much of them as the largest trial needed; what an earlier run had made counts what it cost then.</p>
<dl class="tiles">${tiles.map(([value, label]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
<div class="phases" aria-hidden="true">${bar}</div><ul class="legend">${legend}</ul>
${sourceTable(ok)}</section>`;
}

/** Images a second through the frozen part, median; null where nothing is frozen. */
function extractionRate(rows: readonly OkRow[]): number | null {
  return median(rows.flatMap(({ result }) => result.extractImagesPerSecond ?? []));
}

function sourceTable(ok: readonly OkRow[]): Markup {
  const phases = PHASES.filter(({ key }) => key !== 'decode');
  const numbers = [
    'Trials',
    'Extraction, images/s',
    'Training, samples/s',
    ...phases.map(({ title }) => title),
    'Peak memory',
  ];
  const columns = [
    ...['Data set', 'Source', 'Architecture', 'Strategy', 'Device'].map((title) => ({ title })),
    ...numbers.map((title) => ({ title, numeric: true })),
  ];
  const groups = groupBy(ok, ({ spec, result }) =>
    JSON.stringify([spec.dataset, spec.source, spec.arch, spec.strategy, result.device]),
  );
  const rows = [...groups.values()].map((group) => {
    const { spec, result } = group[0]!;
    const spent = secondsSpent(group);
    const extraction = extractionRate(group);
    const memory = group.reduce((largest, row) => Math.max(largest, row.result.peakMemoryMb), 0);
    return {
      cells: [
        ...[spec.dataset, spec.source, spec.arch, spec.strategy, result.device].map((content) => ({
          content,
        })),
        { content: count(group.length) },
        { content: extraction === null ? '–' : rate(extraction) },
        { content: rate(median(group.map((row) => row.result.trainImagesPerSecond)) ?? 0) },
        ...phases.map(({ key }) => ({ content: duration(spent[key]) })),
        { content: `${count(memory)} MB` },
      ],
    };
  });
  return dataTable(
    'Time by data set, source, strategy and device; training and evaluation in thread-seconds',
    columns,
    rows,
  );
}
