import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { canonicalJson } from '../base/hash.js';
import type { Progress } from '../base/progress.js';
import type { Task } from '../data/task.js';
import type { Device, Extractor } from '../features/session.js';
import type { ImageStore } from '../image/store.js';
import type { LoadedModel } from '../model/registry.js';
import type { TrainedWeights } from '../model/trained.js';
import type { SweepConfig } from '../sweep/config.js';
import { identifyTrial } from '../sweep/expand.js';
import type { OkRow } from '../sweep/ledger.js';
import { readRunConfig, readSweepFile } from '../sweep/run-folder.js';
import { REGRESSION, readsFeatures, trainsNetwork } from '../sweep/strategy.js';
import { trainHeads } from '../train/head-trials.js';
import { IMAGE, trainNetworks } from '../train/network-trials.js';
import type { TrainedTrial } from '../train/outcome.js';
import { storedViews } from '../train/test-views.js';
import { type TrialSpec, trialId } from '../train/trial.js';
import { rowsOf, type TrialOptions } from '../train/trial-rows.js';
import { threadsPerWorker } from './make-shard.js';
import { fingerprintsOf, networkOf, type OpenedDataset, openDatasets, openSources, splitOf } from './open.js';
import { checkPixels } from './quality.js';
import {
  activationName,
  type MadeStores,
  makeStores,
  type StoreName,
  type StoreOptions,
  storeKey,
  storesOf,
} from './stores.js';

export interface RetrainOptions {
  /** Folder of image and feature stores; default: that of the run. */
  readonly cache?: string | undefined;
  readonly device: Device;
  readonly extractor: Extractor;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A trial that was trained once more, and what it was trained on. */
export interface RetrainedTrial {
  readonly outcome: TrainedTrial;
  readonly weights: TrainedWeights;
  readonly config: SweepConfig;
  readonly model: LoadedModel;
  readonly task: Task;
  readonly images: ImageStore;
  /** Rows of the test logits, in their order. */
  readonly testRows: Uint32Array;
}

/** What a trial of a run was made from, as far as the config says it. */
interface TrialOrigin {
  readonly config: SweepConfig;
  readonly opened: OpenedDataset;
  readonly model: LoadedModel;
  readonly stores: MadeStores;
}

/**
 * Trains a finished trial of a run again, from its row: the same images, seed and threads, so with the same bits where the
 * machine is of the same kind. Images and features that are not in the cache are made again. Throws CONFIG when data, task or
 * source are no longer those of the trial, RUNTIME when it does not train any more, and as a sweep does.
 */
export async function retrain(run: string, row: OkRow, options: RetrainOptions): Promise<RetrainedTrial> {
  const { spec } = row;
  if (spec.strategy === REGRESSION)
    throw new ThawError('CONFIG', 'the trial is a logistic regression on radiomics, not a network.', {
      node: row.trial,
      hint: 'Choose a trial of another source; with --best, leave radiomics out: --source NAME.',
    });
  const { config, opened, model, stores } = await originOf(run, row, options);
  const images = stores.images.get(spec.dataset)!;
  const task = opened.tasks.get(spec.task)!;
  const split = splitOf(opened, images);
  const threads =
    row.threads ?? (trainsNetwork(spec.strategy) ? threadsPerWorker(1) : availableParallelism());
  let weights: TrainedWeights | undefined;
  const bar = options.progress.start('train', 100, '%');
  let shown = 0;
  const training: TrialOptions = {
    signal: options.signal,
    onProgress: (done) => {
      bar.advance(Math.floor(100 * done) - shown);
      shown = Math.floor(100 * done);
    },
    onWeights: (_, trained) => {
      weights = trained;
    },
  };
  const [own, ...others] = readsFeatures(spec.strategy)
    ? storedViews(spec).map((view) => stores.features.get(storeKey({ ...spec, view }))!)
    : [];
  const inputs = { dataset: opened.dataset, task, split, images, threads, otherViews: others };
  const features = own === undefined ? {} : { features: own };
  const activations = new Map(
    cutsOf(row.result).map((cut) => [cut, stores.features.get(storeKey(activationName({ ...spec, cut })))!]),
  );
  try {
    const [outcome] = trainsNetwork(spec.strategy)
      ? await trainNetworks({ ...inputs, ...features, activations, model }, [spec], training)
      : await trainHeads({ ...inputs, features: own! }, [spec], training);
    if (outcome?.status !== 'ok' || weights === undefined)
      throw new ThawError(
        'RUNTIME',
        `the trial does not train any more: ${outcome?.status === 'failed' ? outcome.error.message : 'no result'}`,
        {
          node: row.trial,
        },
      );
    return { outcome, weights, config, model, task, images, testRows: rowsOf(task, split.test) };
  } finally {
    bar.finish();
  }
}

/** Opens what a trial was trained on, by the run's config or an earlier one of it. */
async function originOf(run: string, row: OkRow, options: RetrainOptions): Promise<TrialOrigin> {
  const { spec } = row;
  let changed: ThawError | undefined;
  for (const config of await configsOf(run, spec)) {
    const { opened, model, images } = await openOrigin(config, spec, options);
    const prints = fingerprintsOf(
      new Map([[spec.dataset, opened]]),
      new Map([[spec.dataset, images]]),
      new Map([[spec.source, { status: 'ready', model }]]),
    );
    const now = { ...identifyTrial(spec, prints), cut: spec.cut };
    if (trialId(now) !== trialId(spec)) {
      changed ??= changedSince(spec, now, run);
      continue;
    }
    const datasets = new Map([[spec.dataset, opened]]);
    const sources = new Map([[spec.source, { status: 'ready', model } as const]]);
    const stores = await makeStores(datasets, sources, storesOfRow(row), storeOptions(config, options));
    const [fault] = stores.broken.values();
    if (fault !== undefined) throw fault;
    return { config, opened, model, stores };
  }
  throw (
    changed ??
    new ThawError(
      'CONFIG',
      `the run's config has no data set ${spec.dataset}, task ${spec.task} and source ${spec.source} together.`,
      {
        file: run,
        hint: 'The trial is of an earlier config: put its parts back and run `thaw sweep` once more.',
      },
    )
  );
}

/** The stores that a row was trained from: features of heads, and the activations that a network's phases began at. */
function storesOfRow({ spec, result }: OkRow): StoreName[] {
  return storesOf(
    [spec],
    cutsOf(result).map((cut) => ({ ...spec, cut })),
  );
}

function cutsOf({ phases = [] }: OkRow['result']): string[] {
  return [...new Set(phases.map(({ cut }) => cut))].filter((cut) => cut !== IMAGE);
}

/** The configs of a run that know the trial's names, the newest first; of those that say the same of them, one. */
async function configsOf(run: string, spec: TrialSpec): Promise<SweepConfig[]> {
  const newest = await readRunConfig(run);
  const names = await readdir(run).catch((cause) => {
    throw ioError(cause, run, 'read');
  });
  const earlier = names
    .map((name) => Number(/^sweep\.(\d+)\.json$/.exec(name)?.[1] ?? Number.NaN))
    .filter((index) => !Number.isNaN(index))
    .sort((a, b) => b - a);
  const all = [newest];
  for (const index of earlier) all.push(await readSweepFile(join(run, `sweep.${index}.json`)));
  const known = new Map<string, SweepConfig>();
  for (const config of all) {
    const [data, task, source] = [
      config.data[spec.dataset],
      config.tasks[spec.task],
      config.sources[spec.source],
    ];
    if (data === undefined || task === undefined || source === undefined) continue;
    const key = canonicalJson([data, task, source]);
    if (!known.has(key)) known.set(key, config);
  }
  return [...known.values()];
}

/** What a config says that a trial was made from; images are decoded where they are not in the cache. */
async function openOrigin(config: SweepConfig, spec: TrialSpec, options: RetrainOptions) {
  const { dataset, source, task } = spec;
  const needed = { datasets: new Set([dataset]), sources: new Set([source]) };
  // Other tasks may ask for labels that only another data set has.
  const alone: SweepConfig = { ...config, tasks: { [task]: config.tasks[task]! } };
  const sources = await openSources(alone, needed);
  const datasets = await openDatasets(alone, needed);
  const found = sources.get(source)!;
  const model = networkOf(found, source);
  let opened = datasets.get(dataset)!;
  if (!opened.tasks.has(task))
    throw new ThawError('CONFIG', `the task is not for the data set ${dataset} any more.`, { node: task });
  const stores = await makeStores(datasets, sources, [], {
    ...storeOptions(config, options),
    onImages: async (_, images) => {
      opened = await checkPixels(opened, images, options);
    },
  });
  return { opened, model, images: stores.images.get(dataset)! };
}

function storeOptions(config: SweepConfig, options: RetrainOptions): StoreOptions {
  return { ...options, cache: options.cache ?? config.cache, threads: availableParallelism() };
}

function changedSince(then: TrialSpec, now: TrialSpec, run: string): ThawError {
  const parts = [
    then.dataFingerprint === now.dataFingerprint
      ? []
      : `the data set ${then.dataset} (table, images or split)`,
    then.taskFingerprint === now.taskFingerprint ? [] : `the task ${then.task}`,
    then.sourceFingerprint === now.sourceFingerprint ? [] : `the source ${then.source}`,
  ].flat();
  return new ThawError(
    'CONFIG',
    `cannot train the trial ${trialId(then).slice(0, 8)} again: ${parts.join(' and ') || 'its spec'} changed since.`,
    { file: run, hint: 'Put it back as it was, or run `thaw sweep` again and export a trial of that.' },
  );
}
