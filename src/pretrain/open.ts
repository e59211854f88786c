import { ThawError } from '../base/errors.js';
import type { Progress } from '../base/progress.js';
import type { Task } from '../data/task.js';
import { NO_AUGMENT } from '../engine/augment.js';
import {
  fingerprintsOf,
  lastStageCuts,
  networkOf,
  openDatasets,
  openSources,
  splitOf,
} from '../execute/open.js';
import { type CheckedDataset, checkPixels } from '../execute/quality.js';
import { makeStores, storeKey, storesOf } from '../execute/stores.js';
import { augmentedSide } from '../features/view.js';
import type { LoadedModel } from '../model/registry.js';
import { identifyTrial, resolveCut } from '../sweep/expand.js';
import { readsFeatures } from '../sweep/strategy.js';
import { isNetworkTrial, type NetworkTrialInputs, type NetworkTrialSpec } from '../train/network-setup.js';
import { prepareTrials, type ReadyTrial } from '../train/trial-rows.js';
import { type PretrainConfig, trialOf } from './config.js';

/** What is trained, on what. */
export interface PretrainParts {
  readonly spec: NetworkTrialSpec;
  readonly trial: ReadyTrial;
  readonly inputs: NetworkTrialInputs;
  readonly task: Task;
  readonly model: LoadedModel;
  readonly opened: CheckedDataset;
  /** Height and width of the images that the network is trained on. */
  readonly side: number;
}

/**
 * Opens data and source of a pretraining, makes the stores that it needs, and draws the images of training and validation. Throws as
 * these do for a sweep.
 */
export async function openParts(
  config: PretrainConfig,
  options: { readonly threads: number; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<PretrainParts> {
  const { sweep } = config;
  const unplaced = trialOf(config);
  const needed = { datasets: new Set([unplaced.dataset]), sources: new Set([unplaced.source]) };
  const sources = await openSources(sweep, needed);
  const datasets = new Map<string, CheckedDataset>(await openDatasets(sweep, needed));
  const placed = resolveCut(unplaced, lastStageCuts(datasets, sources));
  const stores = await makeStores(datasets, sources, storesOf([placed]), {
    ...options,
    cache: sweep.cache,
    device: sweep.device,
    extractor: sweep.extractor,
    onImages: async (name, images) => {
      datasets.set(name, await checkPixels(datasets.get(name)!, images, options));
    },
  });
  for (const error of stores.broken.values()) throw error;
  const spec = identifyTrial(placed, fingerprintsOf(datasets, stores.images, sources));
  const model = networkOf(sources.get(spec.source)!, spec.source);
  if (!isNetworkTrial(spec))
    throw new ThawError('CONFIG', `expected a strategy that trains a network, received ${spec.strategy}.`);
  const opened = datasets.get(spec.dataset)!;
  const images = stores.images.get(spec.dataset)!;
  const task = opened.tasks.get(spec.task)!;
  const inputs: NetworkTrialInputs = {
    dataset: opened.dataset,
    task,
    split: splitOf(opened, images),
    images,
    threads: options.threads,
    model,
    ...(readsFeatures(spec.strategy) ? { features: stores.features.get(storeKey(spec))! } : {}),
  };
  const { ready, failed } = prepareTrials(inputs, [spec]);
  const [trial] = ready;
  if (trial === undefined) throw new ThawError('DATA', failed[0]!.error.message);
  const { augment } = spec.network;
  const stored = images.index.layout.size;
  const side = augmentedSide(augment === 'none' ? NO_AUGMENT : augment, stored);
  return { spec, trial, inputs, task, model, opened, side };
}
