import { ThawError } from '../base/errors.js';
import { findCut, findCuts, POOLED, prefixOf } from '../model/cut.js';
import type { Graph } from '../model/graph.js';
import type { LoadedModel } from '../model/registry.js';
import { countMultiplyAdds, countParameters } from '../model/shapes.js';
import type { FamilyOptions } from '../radiomics/options.js';
import { type CutSize, type DataSize, RATES, type SweepSizes, TYPICAL_SPEEDS } from '../sweep/cost.js';
import type { NetworkSize, StageSize } from '../sweep/network-cost.js';
import { readsFeatures, trainsNetwork } from '../sweep/strategy.js';
import type { TrialSpec } from '../train/trial.js';
import { type OpenedDataset, type OpenedSource, splitOf } from './open.js';
import type { MadeStores } from './stores.js';

/** The numbers that the cost of some trials is estimated from, as far as models and the table alone tell. */
export function sizesOf(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
  specs: Iterable<TrialSpec>,
): SweepSizes {
  return {
    ...dataSizes(datasets, new Map()),
    cuts: cutSizes(datasets, sources, specs),
    networks: networkSizes(datasets, sources, specs),
  };
}

/** Of the data sets, less the images that could not be read, where that is known. */
export function dataSizes(
  datasets: ReadonlyMap<string, OpenedDataset>,
  images: MadeStores['images'],
): Pick<SweepSizes, 'data' | 'outputs'> {
  const data = new Map<string, DataSize>();
  const outputs = new Map<string, number>();
  for (const [name, opened] of datasets) {
    const split = splitOf(opened, images.get(name));
    const patients = new Set([...split.train].map((row) => opened.dataset.entries[row]!.patient));
    data.set(name, {
      side: opened.config.image.size,
      images: opened.dataset.entries.length,
      train: split.train.length,
      trainPatients: patients.size,
      validation: split.validation.length,
      test: split.test.length,
    });
    for (const [task, { outputNames }] of opened.tasks) outputs.set(`${name}/${task}`, outputNames.length);
  }
  return { data, outputs };
}

function cutSizes(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
  specs: Iterable<TrialSpec>,
): Map<string, CutSize> {
  const cuts = new Map<string, CutSize>();
  const seen = new Set<string>();
  for (const { dataset, source, cut, strategy } of specs) {
    const key = `${source}/${cut}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const opened = sources.get(source);
    const { size } = datasets.get(dataset)!.config.image;
    if (opened?.status === 'radiomics') cuts.set(key, handMadeSize(opened, size));
    if (opened?.status !== 'ready') continue;
    const found = cutSize(opened.model, readsFeatures(strategy) ? cut : undefined, size);
    if (found !== undefined) cuts.set(key, found);
  }
  return cuts;
}

/** By `dataset/source`: the stages of each network that is trained. */
function networkSizes(
  datasets: ReadonlyMap<string, OpenedDataset>,
  sources: ReadonlyMap<string, OpenedSource>,
  specs: Iterable<TrialSpec>,
): Map<string, NetworkSize> {
  const networks = new Map<string, NetworkSize>();
  const seen = new Set<string>();
  for (const { dataset, source, strategy } of specs) {
    const key = `${dataset}/${source}`;
    if (seen.has(key) || !trainsNetwork(strategy)) continue;
    seen.add(key);
    const opened = sources.get(source);
    if (opened?.status !== 'ready') continue;
    const found = networkSize(opened.model, datasets.get(dataset)!.config.image.size);
    if (found !== undefined) networks.set(key, found);
  }
  return networks;
}

/** The stages of a backbone on images of a size; undefined for a model that has none (its trials fail, with the reason). */
function networkSize({ graph, card }: LoadedModel, imageSize: number): NetworkSize | undefined {
  const inputShape = [card.input.channels, imageSize, imageSize];
  const trunk = { inputShape, featureTensor: card.featureTensor };
  try {
    let [macs, weights] = [0, 0];
    const stages: StageSize[] = [];
    let pooled = 0;
    for (const cut of findCuts(graph, trunk)) {
      const prefix = prefixOf(graph, cut, trunk);
      const upTo = { macs: countMultiplyAdds(prefix, inputShape), weights: countParameters(prefix) };
      const features = cut.shape.reduce((product, length) => product * length, 1);
      if (cut.name === POOLED) pooled = features;
      else stages.push({ name: cut.name, macs: upTo.macs - macs, weights: upTo.weights - weights, features });
      macs = upTo.macs;
      weights = upTo.weights;
    }
    const bf16 = {
      forwardMacs: TYPICAL_SPEEDS.forwardMacs * RATES.bf16,
      backwardMacs: TYPICAL_SPEEDS.backwardMacs * RATES.bf16,
    };
    return { stages, pooled, speeds: { fp32: TYPICAL_SPEEDS, bf16: { ...TYPICAL_SPEEDS, ...bf16 } } };
  } catch (error) {
    if (error instanceof ThawError && error.code === 'MODEL') return undefined;
    throw error;
  }
}

/** Nanoseconds of one thread for a pixel: of the paper's features, and of all IBSI families (`npm run bench -- radiomics`). */
const PIXEL_NANOSECONDS = { paper79: 7, ibsi: 55 };

function handMadeSize(
  { options, columns }: Extract<OpenedSource, { status: 'radiomics' }>,
  imageSize: number,
): CutSize {
  const images = options.features === 'paper79' ? 1 : filteredImages(options);
  const seconds = 1e-9 * PIXEL_NANOSECONDS[options.features] * imageSize ** 2 * images;
  return { features: columns, macs: seconds * RATES.extractMacs, macsBehind: 0, weightsBehind: 0 };
}

/** Images that the filters make of one. */
function filteredImages({ filters = [] }: FamilyOptions): number {
  const made = filters.map((filter) => (filter.kind === 'wavelet' ? 3 * (filter.levels ?? 1) + 1 : 1));
  return made.reduce((sum, count) => sum + count, filters.length === 0 ? 1 : 0);
}

/**
 * Values at a cut (no cut = the image), multiply-adds before and behind it and weights behind it; undefined where the model has no such cut (its
 * trials fail, with the reason).
 */
function cutSize(
  { graph, card }: LoadedModel,
  cut: string | undefined,
  imageSize: number,
): CutSize | undefined {
  const inputShape = [card.input.channels, imageSize, imageSize];
  const trunk = { inputShape, featureTensor: card.featureTensor };
  const costOf = (prefix: Graph) => ({
    macs: countMultiplyAdds(prefix, inputShape),
    weights: countParameters(prefix),
  });
  try {
    const whole = costOf(prefixOf(graph, POOLED, trunk));
    const before = cut === undefined ? { macs: 0, weights: 0 } : costOf(prefixOf(graph, cut, trunk));
    const shape = cut === undefined ? inputShape : findCut(graph, cut, trunk).shape;
    return {
      features: shape.reduce((product, length) => product * length, 1),
      macs: before.macs,
      macsBehind: whole.macs - before.macs,
      weightsBehind: whole.weights - before.weights,
    };
  } catch (error) {
    if (error instanceof ThawError && error.code === 'MODEL') return undefined;
    throw error;
  }
}
