import { groupBy } from '../base/group-by.js';
import { sha256 } from '../base/hash.js';
import { type View, viewKey } from '../features/view.js';
import { storedViews } from '../train/test-views.js';
import type { TrialSpec } from '../train/trial.js';
import { extractSeconds, headBytes, type SweepSizes, TYPICAL, trialSeconds, UNKNOWN_SIZES } from './cost.js';
import { pendingTrials, type TrialState } from './ledger.js';
import { REGRESSION, readsFeatures, trainsNetwork } from './strategy.js';
import { trialIdentifier } from './trial-id.js';

export interface PlannedTrial {
  readonly id: string;
  readonly spec: TrialSpec;
}

/**
 * Trials that one process runs on the same data, task, source, cut and strategy. Heads are trained together in one head bank
 * and have batch, optimizer and selection in common too; regressions are fitted in one native call; networks are trained one after another, and never beside heads.
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

function unitsOf(trials: readonly PlannedTrial[], options: UnitOptions): WorkUnit[] {
  const { workers, threads = 1, targetSeconds = TARGET_SECONDS, sizes = UNKNOWN_SIZES } = options;
  const secondsOf = ({ spec }: PlannedTrial) => trialSeconds(spec, sizes) / threads;
  const seconds = new Map(trials.map((trial) => [trial.id, secondsOf(trial)]));
  const total = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const balanced = total / (workers * UNITS_PER_WORKER);
  const limit = { seconds: Math.min(targetSeconds, Math.max(SHORT_SECONDS, balanced)), bytes: UNIT_BYTES };
  const units: WorkUnit[] = [];
  for (const bank of groupBy(trials, unitKey).values()) {
    if (trainsNetwork(bank[0]!.spec.strategy)) {
      const parts = bank.map((trial) => ({ trials: [trial], seconds: seconds.get(trial.id)!, bytes: 0 }));
      for (const members of pack(parts, { ...limit, seconds: SHORT_SECONDS })) units.push(unitOf(members));
      continue;
    }
    if (bank[0]!.spec.strategy === REGRESSION) {
      const parts = bank.map((trial) => ({ trials: [trial], seconds: seconds.get(trial.id)!, bytes: 0 }));
      for (const members of pack(parts, limit)) units.push(unitOf(members));
      continue;
    }
    const parts = [...groupBy(bank, orderKey).values()].flatMap((group) =>
      divide(group, seconds, limit, sizes),
    );
    for (const members of pack(parts, limit)) units.push(unitOf(members));
  }
  return units.sort((a, b) => b.seconds - a.seconds || (a.id < b.id ? -1 : 1));
}

/** What a unit has one of: data, model and strategy, and of heads also what a native head bank has one of. */
function unitKey({ spec }: PlannedTrial): string {
  const data = `${spec.dataset} ${spec.dataFingerprint} ${spec.task} ${spec.taskFingerprint}`;
  const stores = `${spec.cut} ${spec.featureDtype} ${JSON.stringify(spec.testViews ?? 'none')}`;
  const model = `${spec.source} ${spec.sourceFingerprint} ${spec.strategy} ${stores}`;
  if (trainsNetwork(spec.strategy)) return `${data} ${model}`;
  return `${data} ${model} ${spec.batch} ${spec.select} ${JSON.stringify(spec.optimizer)}`;
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
    ...(testViews === undefined ? {} : { testViews }),
    strategy,
    trials,
    seconds: parts.reduce((sum, part) => sum + part.seconds, 0),
  };
}

/** A feature store that pending trials read. */
export interface PlannedStore {
  readonly dataset: string;
  readonly source: string;
  readonly cut: string;
  readonly featureDtype: TrialSpec['featureDtype'];
  readonly view: View;
  readonly cached: boolean;
  readonly images: number;
  /** The store of a radiomics source, which has neither cut nor view. */
  readonly handMade?: true;
  /** On disk; undefined where the shape at the cut is not known. */
  readonly bytes?: number;
}

/** What is to run of one strategy. */
export interface PlannedStrategy {
  readonly strategy: TrialSpec['strategy'];
  readonly trials: number;
  readonly units: number;
  /** Estimated seconds of one worker. */
  readonly seconds: number;
}

/** What a sweep would do; `--dry-run` prints it. */
export interface Plan {
  readonly trials: number;
  readonly done: number;
  /** Failed before; among the units only with `retryFailed`. */
  readonly failed: number;
  readonly pending: number;
  readonly units: readonly WorkUnit[];
  readonly strategies: readonly PlannedStrategy[];
  readonly stores: readonly PlannedStore[];
  /** Wall seconds of decoding, extraction and training with all workers. */
  readonly estimatedSeconds: number;
}

export interface PlanOptions extends Omit<UnitOptions, 'done'> {
  readonly ledger: { readonly byTrial: ReadonlyMap<string, TrialState> };
  readonly retryFailed?: boolean;
  /** Whether the feature store is complete. */
  readonly isCached: (store: Omit<PlannedStore, 'cached' | 'images' | 'bytes'>) => boolean;
  /** Whether the image store of a data set is complete; without it, it counts as decoded when any of its features are cached. */
  readonly isDecoded?: (dataset: string) => boolean;
}

/** Compares the trials with the ledger and plans what is left. */
export function planSweep(specs: Iterable<TrialSpec>, options: PlanOptions): Plan {
  const idOf = trialIdentifier();
  const all = new Map<string, TrialSpec>();
  for (const spec of specs) all.set(idOf(spec), spec);
  const { ledger, retryFailed = false, sizes = UNKNOWN_SIZES, workers, threads = 1 } = options;
  const pending = pendingTrials(all.keys(), ledger, { retryFailed }).map((id) => ({
    id,
    spec: all.get(id)!,
  }));
  const count = (status: TrialState['status']) =>
    [...all.keys()].filter((id) => ledger.byTrial.get(id)?.status === status).length;
  const units = unitsOf(pending, { ...options, done: new Set() });
  const stores = storesOf(units, options.isCached, sizes);
  const datasets = new Set(units.map(({ dataset }) => dataset));
  const extract = extractionSeconds(datasets, stores, options.isDecoded, sizes) / (workers * threads);
  return {
    trials: all.size,
    done: count('ok'),
    failed: count('failed'),
    pending: pending.length,
    units,
    strategies: strategiesOf(units),
    stores,
    estimatedSeconds: extract + makespan(units, workers),
  };
}

function strategiesOf(units: readonly WorkUnit[]): PlannedStrategy[] {
  return [...groupBy(units, ({ strategy }) => strategy)].map(([strategy, own]) => ({
    strategy,
    trials: own.reduce((sum, { trials }) => sum + trials.length, 0),
    units: own.length,
    seconds: own.reduce((sum, { seconds }) => sum + seconds, 0),
  }));
}

function storesOf(
  units: readonly WorkUnit[],
  isCached: PlanOptions['isCached'],
  sizes: SweepSizes,
): PlannedStore[] {
  const reading = units.filter(({ strategy }) => readsFeatures(strategy));
  const read = reading.flatMap((unit) => storedViews(unit).map((view) => ({ ...unit, view })));
  const byStore = groupBy(read, ({ dataset, source, cut, featureDtype, view }) =>
    [dataset, source, cut, featureDtype, viewKey(view)].join('/'),
  );
  return [...byStore.keys()].sort().map((key) => {
    const { dataset, source, cut, featureDtype, view } = byStore.get(key)![0]!;
    const images = (sizes.data.get(dataset) ?? TYPICAL.data).images;
    const features = sizes.cuts.get(`${source}/${cut}`)?.features;
    const isHandMade = byStore.get(key)![0]!.strategy === REGRESSION;
    const bytesEach = isHandMade ? 8 : featureDtype === 'float16' ? 2 : 4;
    return {
      dataset,
      source,
      cut,
      featureDtype,
      view,
      cached: isCached({ dataset, source, cut, featureDtype, view }),
      images,
      ...(isHandMade ? { handMade: true } : {}),
      ...(features === undefined ? {} : { bytes: images * features * bytesEach }),
    };
  });
}

/** Thread-seconds of decoding and extraction; a data set without stores is decoded only. */
function extractionSeconds(
  datasets: ReadonlySet<string>,
  stores: readonly PlannedStore[],
  isDecoded: PlanOptions['isDecoded'],
  sizes: SweepSizes,
): number {
  const decoded = new Set(
    stores.filter((store) => isDecoded?.(store.dataset) ?? store.cached).map((store) => store.dataset),
  );
  let seconds = 0;
  for (const { dataset, source, cut, cached, images } of stores) {
    if (cached) continue;
    const { macs } = sizes.cuts.get(`${source}/${cut}`) ?? TYPICAL.cut;
    seconds += extractSeconds(images, macs, decoded.has(dataset));
    decoded.add(dataset);
  }
  for (const dataset of datasets) {
    if (decoded.has(dataset) || (isDecoded?.(dataset) ?? false)) continue;
    seconds += extractSeconds((sizes.data.get(dataset) ?? TYPICAL.data).images, 0, false);
  }
  return seconds;
}

/** When the last worker ends if each takes the longest unit that is left. */
function makespan(units: readonly WorkUnit[], workers: number): number {
  const busyUntil = Array.from({ length: workers }, () => 0);
  for (const { seconds } of units) {
    const next = busyUntil.indexOf(Math.min(...busyUntil));
    busyUntil[next] = busyUntil[next]! + seconds;
  }
  return Math.max(...busyUntil);
}
