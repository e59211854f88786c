import { groupBy } from '../base/group-by.js';
import { type View, viewKey } from '../features/view.js';
import { mayStartBehindCuts } from '../train/phases.js';
import { storedViews } from '../train/test-views.js';
import type { TrialSpec } from '../train/trial.js';
import type { StoredActivations } from './activations.js';
import { extractSeconds, type SweepSizes, TYPICAL, UNKNOWN_SIZES } from './cost.js';
import { pendingTrials, type TrialState } from './ledger.js';
import type { NetworkSize } from './network-cost.js';
import { REGRESSION, readsFeatures } from './strategy.js';
import { trialIdentifier } from './trial-id.js';
import { type SecondsOf, secondsOf, type UnitOptions, unitsOf, type WorkUnit } from './units.js';

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
  /** Of activations that networks are trained from. */
  readonly forNetworks?: true;
  /** On disk; undefined where the shape at the cut is not known. */
  readonly bytes?: number;
}

/** What is to run of one strategy. */
export interface PlannedStrategy {
  readonly strategy: TrialSpec['strategy'];
  readonly trials: number;
  /** That have trials of it. */
  readonly units: number;
  /** Estimated seconds of one worker. */
  readonly seconds: number;
  /** What it would be without stored activations, where that is more. */
  readonly secondsFromImages?: number;
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
  /** What networks are trained from where it can be had. */
  readonly activations: readonly StoredActivations[];
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
  const ofHeads = storesOf(units, options.isCached, sizes);
  const ofNetworks = activationStores(units, options.activations ?? [], options.isCached, sizes);
  const known = new Set(ofHeads.map(storeName));
  const stores = [...ofHeads, ...ofNetworks.filter((store) => !known.has(storeName(store)))];
  const datasets = new Set(units.map(({ dataset }) => dataset));
  const extract = extractionSeconds(datasets, stores, options.isDecoded, sizes) / (workers * threads);
  return {
    trials: all.size,
    done: count('ok'),
    failed: count('failed'),
    pending: pending.length,
    units,
    strategies: strategiesOf(units, threads, sizes, options.activations),
    stores,
    activations: options.activations ?? [],
    estimatedSeconds: extract + makespan(units, workers),
  };
}

function strategiesOf(
  units: readonly WorkUnit[],
  threads: number,
  sizes: SweepSizes,
  activations: readonly StoredActivations[] | undefined,
): PlannedStrategy[] {
  const [planned, fromImages] = [secondsOf(sizes, activations), secondsOf(sizes)];
  const all = units.flatMap((unit) => unit.trials.map(({ spec }) => ({ unit, spec })));
  return [...groupBy(all, ({ spec }) => spec.strategy)].map(([strategy, own]) => {
    const sum = (costOf: SecondsOf) => own.reduce((total, { spec }) => total + costOf(spec) / threads, 0);
    const [seconds, secondsFromImages] = [sum(planned), sum(fromImages)];
    return {
      strategy,
      trials: own.length,
      units: new Set(own.map(({ unit }) => unit)).size,
      seconds,
      ...(secondsFromImages > seconds ? { secondsFromImages } : {}),
    };
  });
}

/** The activations that networks among the units are trained from. */
function activationStores(
  units: readonly WorkUnit[],
  activations: readonly StoredActivations[],
  isCached: PlanOptions['isCached'],
  sizes: SweepSizes,
): PlannedStore[] {
  const users = units.filter(({ trials }) => trials.some(({ spec }) => mayStartBehindCuts(spec)));
  const used = new Set(users.map(({ dataset, source }) => `${dataset}/${source}`));
  return activations
    .filter(({ dataset, source }) => used.has(`${dataset}/${source}`))
    .map(({ dataset, source, cut, bytes }) => {
      const name = { dataset, source, cut, featureDtype: 'float32', view: 'identity' } as const;
      const images = (sizes.data.get(dataset) ?? TYPICAL.data).images;
      return { ...name, cached: isCached(name), images, forNetworks: true, bytes };
    });
}

function storeName({
  dataset,
  source,
  cut,
  featureDtype,
  view,
}: Pick<PlannedStore, 'dataset' | 'source' | 'cut' | 'featureDtype' | 'view'>): string {
  return [dataset, source, cut, featureDtype, viewKey(view)].join('/');
}

function storesOf(
  units: readonly WorkUnit[],
  isCached: PlanOptions['isCached'],
  sizes: SweepSizes,
): PlannedStore[] {
  const reading = units.filter(({ strategy }) => readsFeatures(strategy));
  const read = reading.flatMap((unit) => storedViews(unit).map((view) => ({ ...unit, view })));
  const byStore = groupBy(read, storeName);
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
    const network = sizes.networks?.get(`${dataset}/${source}`);
    const macs = sizes.cuts.get(`${source}/${cut}`)?.macs ?? macsTo(cut, network) ?? TYPICAL.cut.macs;
    seconds += extractSeconds(images, macs, decoded.has(dataset), network);
    decoded.add(dataset);
  }
  for (const dataset of datasets) {
    if (decoded.has(dataset) || (isDecoded?.(dataset) ?? false)) continue;
    seconds += extractSeconds((sizes.data.get(dataset) ?? TYPICAL.data).images, 0, false);
  }
  return seconds;
}

/** Multiply-adds from the image to a cut after a stage, or to the pooled vector. */
function macsTo(cut: string, network: NetworkSize | undefined): number | undefined {
  if (network === undefined) return undefined;
  const index = network.stages.findIndex(({ name }) => name === cut);
  const before = index < 0 ? network.stages : network.stages.slice(0, index + 1);
  return before.reduce((sum, { macs }) => sum + macs, 0);
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
