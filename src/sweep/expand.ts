import { ThawError } from '../base/errors.js';
import type { TrialSpec } from '../train/trial.js';
import type { SweepConfig } from './config.js';
import type { AxisKey, Exclusion } from './trial-schema.js';

/** What a config's names stand for, once data and models have been read. */
export interface Fingerprints {
  /** By data set. */
  readonly data: ReadonlyMap<string, string>;
  /** By `dataset/task`. */
  readonly task: ReadonlyMap<string, string>;
  /** By source. */
  readonly source: ReadonlyMap<string, { readonly fingerprint: string; readonly arch: string }>;
}

/**
 * The trials of a config one by one, in a fixed order: the product of the axes (the first outermost) without what tasks
 * restrict and `exclude` leaves out. Without fingerprints the specs have empty ones: enough to count and filter, not to run.
 */
export function* expandTrials(config: SweepConfig, fingerprints?: Fingerprints): Generator<TrialSpec> {
  const { axes, tasks, training } = config;
  if (axes.some(({ points }) => points.length === 0)) return;
  const excluded = excludes(config.exclude);
  const position = axes.map(() => 0);
  // One object that the axes write to as they turn; each trial is a copy of it.
  const current = Object.assign(
    { ...training },
    ...axes.map((axis) => axis.points[0]),
    UNIDENTIFIED,
  ) as TrialSpec;
  for (;;) {
    if ((tasks[current.task]?.datasets?.includes(current.dataset) ?? true) && !excluded(current)) {
      yield fingerprints === undefined ? { ...current } : identifyTrial(current, fingerprints);
    }
    let turned = axes.length - 1;
    for (; turned >= 0; turned--) {
      const { points } = axes[turned]!;
      position[turned] = (position[turned]! + 1) % points.length;
      Object.assign(current, points[position[turned]!]);
      if (position[turned] !== 0) break;
    }
    if (turned < 0) return;
  }
}

const UNIDENTIFIED = { dataFingerprint: '', taskFingerprint: '', sourceFingerprint: '', arch: '' };

/** How many trials a config has; a product of lengths where nothing is left out, else counted one by one. */
export function countTrials(config: SweepConfig): number {
  const unrestricted =
    config.exclude.length === 0 && Object.values(config.tasks).every((task) => task.datasets === undefined);
  if (unrestricted) return config.axes.reduce((product, axis) => product * axis.points.length, 1);
  let count = 0;
  for (const _ of expandTrials(config)) count++;
  return count;
}

/** The trial with what its names stand for; throws a ThawError RUNTIME for a name without a fingerprint. */
export function identifyTrial(spec: TrialSpec, prints: Fingerprints): TrialSpec {
  const { dataset, task, source } = spec;
  const dataFingerprint = prints.data.get(dataset);
  const taskFingerprint = prints.task.get(`${dataset}/${task}`);
  const model = prints.source.get(source);
  if (dataFingerprint === undefined || taskFingerprint === undefined || model === undefined) {
    const node =
      dataFingerprint === undefined ? dataset : model === undefined ? source : `${dataset}/${task}`;
    throw new ThawError('RUNTIME', 'no fingerprint is known for a name of the grid.', { node });
  }
  return {
    ...spec,
    dataFingerprint,
    taskFingerprint,
    sourceFingerprint: model.fingerprint,
    arch: model.arch,
  };
}

/** Whether a trial matches any entry: for each of the entry's keys, one of its values. */
function excludes(entries: readonly Exclusion[]): (spec: TrialSpec) => boolean {
  const rules = entries.map((entry) =>
    Object.entries(entry).map(([key, values]) => ({
      key: key as AxisKey,
      values: values as readonly unknown[],
    })),
  );
  return (spec) =>
    rules.some((rule) => rule.every(({ key, values }) => values.some((value) => covers(value, spec[key]))));
}

/** Equal, or a mapping whose every key is covered by the value's: `{kind: step}` covers every step policy. */
function covers(part: unknown, value: unknown): boolean {
  if (part === value) return true;
  if (typeof part !== 'object' || part === null || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(part) && (!Array.isArray(value) || part.length !== value.length)) return false;
  return Object.entries(part).every(([key, inner]) => covers(inner, (value as Record<string, unknown>)[key]));
}
