import { ThawError } from '../base/errors.js';
import type { Strategy, TrialSpec } from '../train/trial.js';
import { isRadiomics, type SweepConfig } from './config.js';
import {
  LAST_STAGE_CUT,
  REGRESSION,
  settingOf,
  specOf,
  type TrialSettings,
  usesSetting,
} from './strategy.js';
import type { AxisKey, Exclusion } from './trial-schema.js';

/** What a config's names stand for, once data and models have been read. */
export interface Fingerprints {
  /** By data set. */
  readonly data: ReadonlyMap<string, string>;
  /** By `dataset/task`. */
  readonly task: ReadonlyMap<string, string>;
  /** By source. */
  readonly source: ReadonlyMap<string, { readonly fingerprint: string; readonly arch: string }>;
  readonly lastStageCut: LastStageCuts;
}

/** By `dataset/source`: the name of the cut before the backbone's last stage, which may depend on the size of the images. */
export type LastStageCuts = ReadonlyMap<string, string>;

/**
 * The trials of a config one by one, in a fixed order: the product of the axes (the first outermost) without what tasks
 * restrict and `exclude` leaves out; points that differ only in settings which their strategy does not use are one trial.
 * Without fingerprints the specs have empty ones: enough to count and filter, not to run.
 */
export function* expandTrials(config: SweepConfig, fingerprints?: Fingerprints): Generator<TrialSpec> {
  const { axes, tasks, training } = config;
  if (axes.some(({ points }) => points.length === 0)) return;
  const excluded = excludes(config.exclude);
  const isNew = mayRepeat(config) ? firstOf() : () => true;
  const position = axes.map(() => 0);
  // One object that the axes write to as they turn; each trial is a copy of it.
  const current = Object.assign(
    { ...training },
    ...axes.map((axis) => axis.points[0]),
    UNIDENTIFIED,
  ) as TrialSettings;
  for (;;) {
    if (tasks[current.task]?.datasets?.includes(current.dataset) ?? true) {
      const spec = specOf(
        isRadiomics(config.sources[current.source]) ? { ...current, strategy: REGRESSION } : current,
      );
      if (!excluded(spec) && isNew(spec)) {
        yield fingerprints === undefined ? spec : identifyTrial(spec, fingerprints);
      }
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
    config.exclude.length === 0 &&
    Object.values(config.tasks).every((task) => task.datasets === undefined) &&
    !mayRepeat(config);
  if (unrestricted) return config.axes.reduce((product, axis) => product * axis.points.length, 1);
  let count = 0;
  for (const _ of expandTrials(config)) count++;
  return count;
}

/** The strategies that a config has trials of; of its radiomics sources `regression`, whatever the axis says. */
export function strategiesOf({ axes, sources }: Pick<SweepConfig, 'axes' | 'sources'>): Set<Strategy> {
  const points = axes.flatMap((axis) => axis.points);
  const strategies = new Set(points.flatMap(({ strategy }) => strategy ?? []));
  return points.some(({ source }) => source !== undefined && isRadiomics(sources[source]))
    ? strategies.add(REGRESSION)
    : strategies;
}

/** Whether an axis varies a setting that one of the strategies does not use; a radiomics source has one strategy only. */
function mayRepeat(config: SweepConfig): boolean {
  const strategies = [...strategiesOf(config)];
  const hasOwn = strategies.includes(REGRESSION);
  const repeats = (key: AxisKey) =>
    (key === 'strategy' && hasOwn) || strategies.some((strategy) => !usesSetting(strategy, key));
  return config.axes.some(({ keys, points }) => points.length > 1 && keys.some(repeats));
}

function firstOf(): (spec: TrialSpec) => boolean {
  const seen = new Set<string>();
  return (spec) => {
    const before = seen.size;
    return seen.add(JSON.stringify(spec)).size > before;
  };
}

/** A trial of `last-block` with the cut that its source has on its images; any other as it is. */
export function resolveCut(spec: TrialSpec, cuts: LastStageCuts): TrialSpec {
  if (spec.strategy !== 'last-block') return spec;
  return { ...spec, cut: cuts.get(`${spec.dataset}/${spec.source}`) ?? LAST_STAGE_CUT };
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
    ...resolveCut(spec, prints.lastStageCut),
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
    rules.some((rule) =>
      rule.every(({ key, values }) => values.some((value) => covers(value, settingOf(spec, key)))),
    );
}

/** Equal, or a mapping whose every key is covered by the value's: `{kind: step}` covers every step policy. */
function covers(part: unknown, value: unknown): boolean {
  if (part === value) return true;
  if (typeof part !== 'object' || part === null || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(part) && (!Array.isArray(value) || part.length !== value.length)) return false;
  return Object.entries(part).every(([key, inner]) => covers(inner, (value as Record<string, unknown>)[key]));
}
