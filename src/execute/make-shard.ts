import { availableParallelism } from 'node:os';
import type { ThawError } from '../base/errors.js';
import type { ModelCard } from '../model/card.js';
import type { ModelSource, SweepConfig } from '../sweep/config.js';
import type { Plan } from '../sweep/plan.js';
import { readsFeatures, trainsNetwork } from '../sweep/strategy.js';
import type { WorkUnit } from '../sweep/units.js';
import { mayStartBehindCuts } from '../train/phases.js';
import { storedViews } from '../train/test-views.js';
import type { TrialSpec } from '../train/trial.js';
import { type BrokenUnit, recordBrokenUnits } from './broken.js';
import type { OpenedSource } from './open.js';
import type { CheckedDataset } from './quality.js';
import { seenData } from './seen-data.js';
import type { Shard, ShardUnit } from './shard.js';
import { activationName, type MadeStores, storeKey } from './stores.js';

/** Threads of one worker process so that all workers together use the machine once. */
export function threadsPerWorker(workers: number): number {
  return Math.max(1, Math.floor(availableParallelism() / workers));
}

/** What trials run on. */
export interface Opened {
  readonly datasets: ReadonlyMap<string, CheckedDataset>;
  readonly sources: ReadonlyMap<string, OpenedSource>;
  readonly stores: MadeStores;
}

/** The units that can run as a shard; trials of features or sources that cannot be had are recorded as failed. */
export async function shardOf(
  run: string,
  plan: Plan,
  config: SweepConfig,
  opened: Opened,
  { workers }: { readonly workers: number },
): Promise<{ shard: Shard; failed: number }> {
  const { datasets, stores } = opened;
  const broken: BrokenUnit[] = [];
  const units: WorkUnit[] = [];
  for (const unit of plan.units) {
    const error = faultOf(unit, opened);
    if (error === undefined) units.push(unit);
    else broken.push({ trials: unit.trials, error });
  }
  const failed = await recordBrokenUnits(run, broken);
  const networks = units.filter(({ strategy }) => trainsNetwork(strategy));
  // The last bits of a network depend on the threads: they must not depend on how much of a sweep is left.
  const sharing = networks.length > 0 ? workers : Math.min(workers, Math.max(1, units.length));
  const shard: Shard = {
    version: 1,
    run,
    threads: threadsPerWorker(sharing),
    datasets: Object.fromEntries(
      [...datasets].map(
        ([
          name,
          {
            config: { source, split, allowLeakage },
            dropped = [],
          },
        ]) => [name, { source, split, allowLeakage, dropped, imageStore: stores.images.get(name)!.folder }],
      ),
    ),
    tasks: Object.fromEntries(
      [...datasets.values()].flatMap(({ tasks }) => [...tasks].map(([name, { rule }]) => [name, rule])),
    ),
    sources: Object.fromEntries(networks.flatMap(({ source }) => modelOf(config, source))),
    units: units.map((unit) => shardUnit(unit, opened, plan.activations)),
  };
  return { shard, failed };
}

function faultOf(unit: WorkUnit, { sources, stores }: Opened): ThawError | undefined {
  const source = sources.get(unit.source)!;
  if (source.status === 'broken') return source.error;
  const faults = storedViews(unit).map((view) => stores.broken.get(storeKey({ ...unit, view })));
  return faults.find((fault) => fault !== undefined);
}

function modelOf({ sources }: SweepConfig, name: string): (readonly [string, ModelSource])[] {
  const source = sources[name]!;
  return 'radiomics' in source ? [] : [[name, source]];
}

function shardUnit(
  unit: WorkUnit,
  { datasets, sources, stores: { features, radiomics } }: Opened,
  stored: Plan['activations'],
): ShardUnit {
  const { id, dataset, task, source, trials } = unit;
  const seen = seenData(cardOf(sources.get(source)!), datasets.get(dataset)!);
  const stores = readsFeatures(unit.strategy)
    ? storedViews(unit).map((view) => {
        const key = storeKey({ ...unit, view });
        return (features.get(key) ?? radiomics.get(key)!).folder;
      })
    : [];
  const [featureStore, ...viewStores] = stores;
  const own = stored.filter((one) => one.dataset === dataset && one.source === source);
  const activations = trials.some(({ spec }) => mayStartBehindCuts(spec))
    ? own.flatMap((one) => {
        // What could not be extracted is trained from images.
        const store = features.get(storeKey(activationName(one)));
        return store === undefined ? [] : [[one.cut, store.folder] as const];
      })
    : [];
  return {
    id,
    dataset,
    task,
    source,
    ...(featureStore === undefined ? {} : { featureStore }),
    ...(viewStores.length === 0 ? {} : { viewStores }),
    ...(activations.length === 0 ? {} : { activations: Object.fromEntries(activations) }),
    ...(seen === undefined ? {} : { seenData: seen }),
    trials: trials.map(({ spec }) => spec),
  };
}

function cardOf(source: OpenedSource): Pick<ModelCard, 'trainedOn'> {
  return source.status === 'ready' ? source.model.card : {};
}

/** A line for every source of the trials whose weights have seen images of their data set. */
export function seenDataWarnings(
  specs: readonly Pick<TrialSpec, 'dataset' | 'source'>[],
  { datasets, sources }: Pick<Opened, 'datasets' | 'sources'>,
): string[] {
  const warnings = new Set<string>();
  for (const { dataset, source } of specs) {
    const seen = seenData(cardOf(sources.get(source)!), datasets.get(dataset)!);
    if (seen !== undefined)
      warnings.add(
        `WARNING: the weights of ${source} have seen images of ${seen}, of which ${dataset} is: its test results with them are too good`,
      );
  }
  return [...warnings];
}
