import { groupBy } from '../base/group-by.js';
import { sha256 } from '../base/hash.js';
import type { TrialSpec } from '../train/trial.js';
import type { StoredActivations } from './activations.js';
import { headBytes, networkCostKey, type SweepSizes, trialSeconds, UNKNOWN_SIZES } from './cost.js';
import type { ActivationCuts } from './network-cost.js';
import { REGRESSION, readsFeatures, trainsNetwork } from './strategy.js';
import { trialIdentifier } from './trial-id.js';

export interface PlannedTrial {
  readonly id: string;
  readonly spec: TrialSpec;
}

/** Thread-seconds of a trial, as it is planned. */
export type SecondsOf = (spec: TrialSpec) => number;

/**
 * Trials that one process runs on the same data, task, source and cut. Heads are trained together in one head bank and have
 * batch, optimizer and selection in common too; regressions are fitted in one native call; networks are trained one after
 * another, and never beside heads. Networks that are trained from images may differ in their strategy.
 */
export interface WorkUnit {
  /** Hash of the ids of its trials: the same trials are the same unit. */
  readonly id: string;
  readonly dataset: string;
  readonly task: string;
  readonly source: string;
  readonly cut: string;
  readonly featureDtype: TrialSpec['featureDtype'];
  readonly testViews?: NonNullable<TrialSpec['testViews']>;
  /** Of its first trial. */
  readonly strategy: TrialSpec['strategy'];
  readonly trials: readonly PlannedTrial[];
  /** Estimated wall seconds in a worker with `threads` threads. */
  readonly seconds: number;
}

export interface UnitOptions {
  /** Ids of trials that are not to run again. */
  readonly done: ReadonlySet<string>;
  readonly workers: number;
  /** Threads of one worker. */
  readonly threads?: number;
  /** No unit takes longer (estimated) unless it cannot be divided: a kill loses no more than this. */
  readonly targetSeconds?: number;
  readonly sizes?: SweepSizes;
  /** What networks may be trained from. */
  readonly activations?: readonly StoredActivations[];
}

const TARGET_SECONDS = 60;
/** Units a worker gets at least, where there is enough work, so that the last ones end together. */
const UNITS_PER_WORKER = 8;
/** Below this a unit of heads is not made smaller for balance alone; networks share a unit up to this, as they gain no more. */
const SHORT_SECONDS = 1;
/** Heads of one sample order that train together at the full rate of a wide product; a longer group is divided into such. */
const WIDE = 64;
/** Memory of the heads of one unit. */
const UNIT_BYTES = 512 * 2 ** 20;

/**
 * Groups trials into work units, longest first. Heads with the same seed and subset, which see the same samples in the same
 * order, stay in one unit unless they alone exceed its time or memory; networks share a unit where they are short.
 */
export function planUnits(specs: Iterable<TrialSpec>, options: UnitOptions): WorkUnit[] {
  const idOf = trialIdentifier();
  const pending = new Map<string, TrialSpec>();
  for (const spec of specs) {
    const id = idOf(spec);
    if (!options.done.has(id)) pending.set(id, spec);
  }
  return unitsOf(
    [...pending].map(([id, spec]) => ({ id, spec })),
    options,
  );
}

/** The units of trials that are all to run, longest first. */
export function unitsOf(trials: readonly PlannedTrial[], options: UnitOptions): WorkUnit[] {
  const { workers, threads = 1, targetSeconds = TARGET_SECONDS, sizes = UNKNOWN_SIZES } = options;
  const costOf = secondsOf(sizes, options.activations);
  const seconds = new Map(trials.map(({ id, spec }) => [id, costOf(spec) / threads]));
  const total = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const balanced = total / (workers * UNITS_PER_WORKER);
  const limit = { seconds: Math.min(targetSeconds, Math.max(SHORT_SECONDS, balanced)), bytes: UNIT_BYTES };
  const units: WorkUnit[] = [];
  for (const bank of groupBy(trials, unitKey).values()) {
    const { strategy } = bank[0]!.spec;
    if (trainsNetwork(strategy)) {
      const parts = [...groupBy(bank, beginningKey).values()].flatMap((group) => cut(group, seconds, limit));
      for (const members of pack(parts, { ...limit, seconds: SHORT_SECONDS })) units.push(unitOf(members));
      continue;
    }
    const parts =
      strategy === REGRESSION
        ? bank.map((trial) => ({ trials: [trial], seconds: seconds.get(trial.id)!, bytes: 0 }))
        : [...groupBy(bank, orderKey).values()].flatMap((group) => divide(group, seconds, limit, sizes));
    for (const members of pack(parts, limit)) units.push(unitOf(members));
  }
  return units.sort((a, b) => b.seconds - a.seconds || (a.id < b.id ? -1 : 1));
}

/** The estimate of each trial, from the activations there will be; trials that cost the same are reckoned once. */
export function secondsOf(sizes: SweepSizes, activations: readonly StoredActivations[] = []): SecondsOf {
  const cuts = cutsOf(activations);
  const known = new Map<string, number>();
  return (spec) => {
    if (!trainsNetwork(spec.strategy)) return trialSeconds(spec, sizes);
    const key = networkCostKey(spec);
    const seconds = known.get(key) ?? trialSeconds(spec, sizes, cuts);
    known.set(key, seconds);
    return seconds;
  };
}

function cutsOf(activations: readonly StoredActivations[]): ActivationCuts {
  const groups = groupBy(activations, ({ dataset, source }) => `${dataset}/${source}`);
  return new Map([...groups].map(([key, own]) => [key, new Set(own.map(({ cut }) => cut))]));
}

/** What a unit has one of: data and model, of heads also what a native head bank has one of, and where features are read these. */
function unitKey({ spec }: PlannedTrial): string {
  const data = `${spec.dataset} ${spec.dataFingerprint} ${spec.task} ${spec.taskFingerprint}`;
  const model = `${spec.source} ${spec.sourceFingerprint} ${spec.cut}`;
  if (!readsFeatures(spec.strategy)) return `${data} ${model}`;
  const stores = `${spec.strategy} ${spec.featureDtype} ${JSON.stringify(spec.testViews ?? 'none')}`;
  if (trainsNetwork(spec.strategy)) return `${data} ${model} ${stores}`;
  return `${data} ${model} ${stores} ${spec.batch} ${spec.select} ${JSON.stringify(spec.optimizer)}`;
}

/** Networks with equal keys may be the same training in their first epochs: they differ in what comes later. */
function beginningKey({ spec }: PlannedTrial): string {
  const { seed, n, lr, dropout, weightDecay, batch, select, labelWeights, labelSmoothing, earlyStopping } =
    spec;
  const training = [
    seed,
    n,
    lr,
    dropout,
    weightDecay,
    batch,
    select,
    labelWeights,
    labelSmoothing,
    earlyStopping,
  ];
  return `${training.join()} ${spec.validation} ${spec.optimizer.kind} ${spec.network!.precision}`;
}

function orderKey({ spec }: PlannedTrial): string {
  return `${spec.seed} ${spec.n} ${spec.subset.unit} ${spec.subset.stratify} ${spec.validation}`;
}

interface Part {
  readonly trials: readonly PlannedTrial[];
  readonly seconds: number;
  readonly bytes: number;
}
type Limit = Pick<Part, 'seconds' | 'bytes'>;

/** A group as it is, or in equal parts of at least `WIDE` heads where it is too long, of any number where it is too large. */
function divide(
  group: readonly PlannedTrial[],
  seconds: ReadonlyMap<string, number>,
  limit: Limit,
  sizes: SweepSizes,
): Part[] {
  const part = (trials: readonly PlannedTrial[]): Part => ({
    trials,
    seconds: trials.reduce((sum, { id }) => sum + seconds.get(id)!, 0),
    bytes: trials.reduce((sum, { spec }) => sum + headBytes(spec, sizes), 0),
  });
  const whole = part(group);
  const forTime = Math.min(Math.ceil(whole.seconds / limit.seconds), Math.floor(group.length / WIDE));
  const parts = Math.min(group.length, Math.max(1, forTime, Math.ceil(whole.bytes / limit.bytes)));
  if (parts === 1) return [whole];
  const bounds = Array.from({ length: parts + 1 }, (_, index) => Math.round((index * group.length) / parts));
  return bounds.slice(1).map((end, index) => part(group.slice(bounds[index], end)));
}

/** A group in runs that last no longer than the limit, or are one trial. */
function cut(group: readonly PlannedTrial[], seconds: ReadonlyMap<string, number>, limit: Limit): Part[] {
  const parts: { trials: PlannedTrial[]; seconds: number; bytes: number }[] = [];
  for (const trial of group) {
    const own = seconds.get(trial.id)!;
    const last = parts.at(-1);
    if (last !== undefined && last.seconds + own <= limit.seconds) {
      last.trials.push(trial);
      last.seconds += own;
    } else parts.push({ trials: [trial], seconds: own, bytes: 0 });
  }
  return parts;
}

/** Fills unit after unit with parts of falling length, so that heads of similar length share a unit. */
function pack(parts: readonly Part[], limit: Limit): Part[][] {
  const packed: Part[][] = [];
  let room: Limit = { seconds: 0, bytes: 0 };
  // The sort is stable: parts of equal length stay in the order of the grid.
  for (const part of parts.toSorted((a, b) => b.seconds - a.seconds)) {
    const last = packed.at(-1);
    if (last !== undefined && part.seconds <= room.seconds && part.bytes <= room.bytes) last.push(part);
    else {
      packed.push([part]);
      room = limit;
    }
    room = { seconds: room.seconds - part.seconds, bytes: room.bytes - part.bytes };
  }
  return packed;
}

function unitOf(parts: readonly Part[]): WorkUnit {
  const trials = parts.flatMap((part) => part.trials);
  const { dataset, task, source, cut, featureDtype, testViews, strategy } = trials[0]!.spec;
  const ids = trials.map(({ id }) => id).sort();
  return {
    id: sha256(ids.join('\n')).slice(0, 32),
    dataset,
    task,
    source,
    cut,
    featureDtype,
    ...(testViews === undefined || !readsFeatures(strategy) ? {} : { testViews }),
    strategy,
    trials,
    seconds: parts.reduce((sum, part) => sum + part.seconds, 0),
  };
}
