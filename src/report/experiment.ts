import { median } from '../stats/summary.js';
import type { FailedRow, LedgerRow, OkRow } from '../sweep/ledger.js';
import { type Factor, findFactors } from './factors.js';
import { count, inSentence } from './format.js';

/** A training subset size of one panel. */
export interface Size {
  /** `50`, or `all`. */
  readonly key: string;
  /** Number of images or patients it stands for; `all` has what the trials found (the median over them). */
  readonly count: number;
}

/** One finished trial as the report looks at it. */
export interface Observation {
  readonly row: OkRow;
  readonly size: Size;
  readonly seed: number;
  /** [factors] index of its level. */
  readonly levels: readonly number[];
  /** Identity of the levels together: the trials that differ in size and seed alone share it. */
  readonly configuration: string;
  /** Macro AUROC; null where it is undefined. */
  readonly validation: number | null;
  readonly test: number | null;
}

/** One task on one data set: what may be compared with each other. */
export interface Panel {
  readonly title: string;
  readonly dataset: string;
  readonly task: string;
  readonly unit: 'images' | 'patients' | 'images or patients';
  /** Ascending. */
  readonly sizes: readonly Size[];
  readonly observations: readonly Observation[];
}

/** The rows of a ledger in the order in which the report needs them. */
export interface Experiment {
  readonly ok: readonly OkRow[];
  readonly failed: readonly FailedRow[];
  readonly factors: readonly Factor[];
  readonly panels: readonly Panel[];
}

export function readExperiment(rows: readonly LedgerRow[]): Experiment {
  const ok = rows.filter((row) => row.status === 'ok');
  const failed = rows.filter((row) => row.status === 'failed');
  const { factors, levelsOf } = findFactors(ok.map(({ spec }) => spec));
  const severalDatasets = new Set(ok.map(({ spec }) => spec.dataset)).size > 1;
  const groups = new Map<string, number[]>();
  for (const [index, { spec }] of ok.entries()) {
    const key = JSON.stringify([spec.task, spec.dataset]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  const panels = [...groups.values()].map((indices) => readPanel(indices, ok, levelsOf, severalDatasets));
  return { ok, failed, factors, panels };
}

function readPanel(
  indices: readonly number[],
  ok: readonly OkRow[],
  levelsOf: readonly (readonly number[])[],
  severalDatasets: boolean,
): Panel {
  const rows = indices.map((index) => ok[index]!);
  const { dataset, task } = rows[0]!.spec;
  const units = new Set(rows.map(({ spec }) => spec.subset.unit));
  const sizes = readSizes(rows);
  const byKey = new Map(sizes.map((size) => [size.key, size]));
  const observations = indices.map((index): Observation => {
    const row = ok[index]!;
    const levels = levelsOf[index]!;
    return {
      row,
      size: byKey.get(String(row.spec.n))!,
      seed: row.spec.seed,
      levels,
      configuration: levels.join(' '),
      validation: row.result.validation.auroc,
      test: row.result.test.auroc,
    };
  });
  const title = severalDatasets ? `${task} · ${dataset}` : task;
  const unit = units.size > 1 ? 'images or patients' : rows[0]!.spec.subset.unit;
  return { title, dataset, task, unit, sizes, observations };
}

function readSizes(rows: readonly OkRow[]): Size[] {
  const counts = new Map<string, number[]>();
  for (const { spec, result } of rows) {
    const whole = spec.subset.unit === 'patients' ? result.trainPatients : result.trainImages;
    const known = counts.get(String(spec.n)) ?? [];
    counts.set(String(spec.n), known);
    known.push(spec.n === 'all' ? whole : spec.n);
  }
  const sizes = [...counts].map(([key, values]) => ({ key, count: Math.round(median(values) ?? 0) }));
  return sizes.sort((a, b) => a.count - b.count || (a.key === 'all' ? 1 : -1));
}

/** `50`, or `all (700)`. */
export function sizeText(size: Size): string {
  return size.key === 'all' ? `all (${count(size.count)})` : count(size.count);
}

/** `one-cycle · LR 0.001`: the levels of a trial's factors; empty where nothing varies. */
export function configurationText(levels: readonly number[], factors: readonly Factor[]): string {
  return factors.map((factor, index) => levelText(factor, levels[index]!)).join(' · ');
}

/** A level as it reads without its column title: a number needs the name of what it is. */
export function levelText(factor: Factor, level: number): string {
  const name = factor.levels[level]!;
  if (Number.isNaN(Number(name))) return name;
  return `${factor.key === 'lr' ? 'LR' : inSentence(factor.title)} ${name}`;
}
