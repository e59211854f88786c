import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import type { Progress } from '../base/progress.js';
import type { Device, Extractor } from '../features/session.js';
import { chooseActivations, type StoredActivations } from '../sweep/activations.js';
import type { SweepConfig } from '../sweep/config.js';
import type { SweepSizes } from '../sweep/cost.js';
import { expandTrials, type Fingerprints, identifyTrial, resolveCut } from '../sweep/expand.js';
import { filterTrials, type TrialFilter } from '../sweep/filter.js';
import { readTrialStates } from '../sweep/ledger.js';
import { type Plan, planSweep } from '../sweep/plan.js';
import { writePlanned } from '../sweep/planned.js';
import { openRun, type RunFolder } from '../sweep/run-folder.js';
import type { DataSummary } from '../sweep/run-info.js';
import { trialIdentifier } from '../sweep/trial-id.js';
import type { TrialSpec } from '../train/trial.js';
import type { Executor } from './executor.js';
import { type Opened, seenDataWarnings, shardOf, threadsPerWorker } from './make-shard.js';
import {
  fingerprintsOf,
  lastStageCuts,
  type Needed,
  type OpenedDataset,
  openDatasets,
  openSources,
  splitOf,
} from './open.js';
import { alreadyChecked, type CheckedDataset, checkPixels, reportQuality } from './quality.js';
import { dataSizes, sizesOf } from './sizes.js';
import { findStores, type MadeStores, makeStores, storeKey, storesOf } from './stores.js';
import { splitTable, summarise } from './summary.js';

export interface SweepOptions {
  /** Run folder. */
  readonly out: string;
  readonly cache: string;
  readonly filter: TrialFilter;
  readonly workers: number;
  readonly device: Device;
  readonly extractor: Extractor;
  /** Bytes of activations that may be stored for networks to train from. */
  readonly cacheLimit: number;
  readonly retryFailed: boolean;
  readonly failFast: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface SweepOutcome {
  /** Trials that this call was about (after the filter): before it, and done or failed by it. */
  readonly trials: number;
  readonly doneBefore: number;
  readonly ok: number;
  readonly failed: number;
  readonly left: number;
}

function neededBy(specs: readonly TrialSpec[]): Needed {
  return {
    datasets: new Set(specs.map(({ dataset }) => dataset)),
    sources: new Set(specs.map(({ source }) => source)),
  };
}

/** The trials that the filter keeps; its warnings are noted. Fingerprints are empty at this point. */
function chosenTrials(config: SweepConfig, filter: TrialFilter, progress: Progress): readonly TrialSpec[] {
  const { specs, warnings } = filterTrials(expandTrials(config), filter);
  for (const warning of warnings) progress.note(warning);
  return specs;
}

/** What a sweep would do, from what is on disk; nothing is decoded, extracted or trained. */
export async function drySweep(config: SweepConfig, options: SweepOptions): Promise<Plan> {
  const chosen = chosenTrials(config, options.filter, options.progress);
  const needed = neededBy(chosen);
  const sources = await openSources(config, needed);
  const fresh = await openDatasets(config, needed);
  const placed = withCuts(chosen, fresh, sources);
  const planned = sized(placed, { datasets: fresh, sources }, options);
  const wanted = storesOf(placed, planned.activations);
  const stores = await findStores(fresh, sources, wanted, options.cache);
  const checked = await checkedBefore(fresh, stores);
  const datasets = checked ?? fresh;
  const opened = { datasets, sources, stores };
  // Without the pixels' hash no trial can be told from another data set's: none counts as done.
  const known = checked !== undefined;
  const prints = known ? fingerprintsOf(datasets, stores.images, sources) : undefined;
  const specs = prints === undefined ? placed : placed.map((spec) => identifyTrial(spec, prints));
  return planSweep(specs, {
    ...planOptions(opened, planned, options),
    ledger: await readTrialStates(options.out),
    isCached: (store) => stores.features.has(storeKey(store)) || stores.radiomics.has(storeKey(store)),
    isDecoded: (dataset) => stores.images.has(dataset),
  });
}

/** The data sets with what an earlier sweep dropped; undefined where the pixels of one are not known yet. */
async function checkedBefore(
  datasets: ReadonlyMap<string, OpenedDataset>,
  { images }: MadeStores,
): Promise<Map<string, OpenedDataset> | undefined> {
  const checked = new Map<string, OpenedDataset>();
  for (const [name, opened] of datasets) {
    const store = images.get(name);
    const found = store === undefined ? undefined : await alreadyChecked(opened, store);
    if (found === undefined) return undefined;
    checked.set(name, found);
  }
  return checked;
}

/** The trials with the cut of `last-block` in each source, as far as it has one. */
function withCuts(
  specs: readonly TrialSpec[],
  datasets: Opened['datasets'],
  sources: Opened['sources'],
): readonly TrialSpec[] {
  const cuts = lastStageCuts(datasets, sources);
  return specs.map((spec) => resolveCut(spec, cuts));
}

/** What the planner goes by: the sizes and, from them, the activations that networks are to be trained from. */
interface Sized {
  readonly sizes: SweepSizes;
  readonly activations: readonly StoredActivations[];
}

function sized(
  specs: readonly TrialSpec[],
  { datasets, sources }: Pick<Opened, 'datasets' | 'sources'>,
  { cacheLimit }: SweepOptions,
): Sized {
  const sizes = sizesOf(datasets, sources, specs);
  return { sizes, activations: chooseActivations(specs, sizes, cacheLimit) };
}

function planOptions({ datasets, stores }: Opened, { sizes, activations }: Sized, options: SweepOptions) {
  const { workers, retryFailed } = options;
  const known = { ...sizes, ...dataSizes(datasets, stores.images) };
  return { workers, threads: threadsPerWorker(workers), retryFailed, sizes: known, activations };
}

/**
 * Runs a sweep: opens what its trials need, makes the stores, records what cannot be trained, and hands the rest to the
 * executor. Everything finished is in the ledger, whatever happens; the same call goes on where this one ended.
 */
export async function runSweep(
  config: SweepConfig,
  executor: Executor,
  options: SweepOptions,
): Promise<SweepOutcome> {
  const { progress, signal } = options;
  const chosen = chosenTrials(config, options.filter, progress);
  const needed = neededBy(chosen);
  const sources = await openSources(config, needed);
  const fresh = await openDatasets(config, needed);
  const run = await openRun(options.out, config);
  const threads = availableParallelism();
  const placed = withCuts(chosen, fresh, sources);
  for (const warning of seenDataWarnings(placed, { datasets: fresh, sources })) progress.note(warning);
  const datasets = new Map<string, CheckedDataset>(fresh);
  const planned = sized(placed, { datasets: fresh, sources }, options);
  const wanted = storesOf(placed, planned.activations);
  const stores = await makeStores(fresh, sources, wanted, {
    ...options,
    threads,
    onImages: async (name, images) => {
      datasets.set(name, await checkPixels(fresh.get(name)!, images, options));
    },
  });
  const opened = { datasets, sources, stores };
  await writeSummaries(run, opened);
  const prints = fingerprintsOf(datasets, stores.images, sources);
  const specs = placed.map((spec) => identifyTrial(spec, prints));
  const states = await readTrialStates(run.folder);
  for (const { file, line, reason } of states.invalidLines)
    progress.note(`${file}:${line}: ${reason}; the line is left out`);
  await writePlanned(run.folder, { ids: plannedIds(config, opened, prints) });
  const plan = planSweep(specs, {
    ...planOptions(opened, planned, options),
    ledger: states,
    isCached: () => true,
  });
  const { shard, failed } = await shardOf(run.folder, plan, config, opened, options);
  const task = progress.start('trials', plan.trials, 'trials', plan.trials - plan.pending);
  let recorded = failed;
  let shown = 0;
  const show = (trials: number, wrong = 0) => {
    if (trials > shown || wrong > 0) task.advance(Math.max(0, trials - shown), wrong);
    shown = Math.max(shown, trials);
  };
  show(recorded, failed);
  const summary = await executor
    .run(shard, {
      signal,
      failFast: options.failFast,
      events: {
        unitFinished: (ok, wrong) => {
          recorded += ok + wrong;
          show(recorded, wrong);
        },
        inFlight: (trials) => show(recorded + Math.floor(trials)),
        note: (message) => progress.note(message),
      },
    })
    .finally(() => task.finish());
  return {
    trials: plan.trials,
    doneBefore: plan.done,
    ok: summary.ok,
    failed: summary.failed + failed,
    left: summary.left,
  };
}

/** All trials of the config on the data sets and sources that are open, whatever the filter leaves out of this call. */
function plannedIds(config: SweepConfig, { datasets, sources }: Opened, prints: Fingerprints): string[] {
  const idOf = trialIdentifier();
  const ids: string[] = [];
  for (const spec of expandTrials(config)) {
    if (datasets.has(spec.dataset) && sources.has(spec.source)) ids.push(idOf(identifyTrial(spec, prints)));
  }
  return ids;
}

/** `data.json` and, for each data set, which image is in which part of the split. */
async function writeSummaries(run: RunFolder, { datasets, stores }: Opened): Promise<void> {
  const summaries: Record<string, DataSummary> = {};
  for (const [name, opened] of datasets) {
    const images = stores.images.get(name)!;
    const split = splitOf(opened, images);
    const quality = reportQuality(opened, images, split);
    summaries[name] = { ...summarise(opened.dataset, split, images), quality };
    await writeFileAtomic(join(run.splitsFolder, `${name}.csv`), splitTable(opened.dataset, split));
  }
  await writeFileAtomic(run.dataFile, `${JSON.stringify(summaries, null, 2)}\n`);
}
