import { RANGE } from '../train/lr-finder.js';
import { mayStartBehindCuts } from '../train/phases.js';
import type { TrialSpec } from '../train/trial.js';
import { foldsOf } from '../train/validation.js';
import { type ActivationCuts, NetworkCost, type NetworkSize, type NetworkSpeeds } from './network-cost.js';
import { REGRESSION, readsFeatures, trainsNetwork } from './strategy.js';

/**
 * Rates of one thread that the estimates are made from, in round numbers for a current server core (2 Zen 4 cores:
 * DenseNet-121 at 224×224, 2.9 GMAC an image, runs at 30 images/s). They order and balance work and tell minutes from
 * hours; they are no promise.
 */
export const RATES = {
  /** Multiply-adds a second of onnxruntime's convolutions. */
  extractMacs: 45e9,
  /** Multiply-adds a second of a network's training (fp32), forward and backward. */
  trainMacs: 45e9,
  /** Weights of a network whose gradients are summed up and which are updated, a second. */
  networkUpdates: 0.25e9,
  /** How much faster training is in bfloat16. */
  bf16: 1.6,
  /** Operations a second of logistic regressions: rows × features² for each value of C and fold, … */
  regressionFlops: 45e9,
  /** … and so many for each element of the Hessian, however few rows there are; */
  regressionSolve: 450,
  /** with L1, steps of coordinate descent take so many features to double that. */
  regressionL1Features: 20,
  /** 1024 × 1024 PNG images decoded and resized a second. */
  decodeImages: 80,
  /** Floating-point operations a second of a head bank's products. */
  headFlops: 150e9,
  /** Weights updated a second (moments included). */
  headUpdates: 4e9,
  /** Feature values dropped or kept a second. */
  dropoutValues: 7e9,
} as const;

/** Sizes that the cost of a trial depends on; what is not known is taken for `TYPICAL`. */
export interface SweepSizes {
  /** By data set: images in all and in each split, patients in training. */
  readonly data: ReadonlyMap<string, DataSize>;
  /** By `dataset/task`: outputs of the head. */
  readonly outputs: ReadonlyMap<string, number>;
  /** By `source/cut`: values at the cut and multiply-adds for one image; a network trained from the image on has `none`. */
  readonly cuts: ReadonlyMap<string, CutSize>;
  /** By `dataset/source`, of sources that networks are trained from. */
  readonly networks?: ReadonlyMap<string, NetworkSize>;
}

export interface DataSize {
  /** Pixels of a stored image's side. */
  readonly side: number;
  readonly images: number;
  readonly train: number;
  readonly trainPatients: number;
  readonly validation: number;
  readonly test: number;
}

export interface CutSize {
  readonly features: number;
  /** Multiply-adds from the image to the cut; of hand-made features as many as would take their time. */
  readonly macs: number;
  /** Multiply-adds and weights from the cut to the pooled features. */
  readonly macsBehind: number;
  readonly weightsBehind: number;
}

export const TYPICAL = {
  data: { side: 224, images: 1000, train: 700, trainPatients: 700, validation: 100, test: 200 },
  outputs: 1,
  cut: { features: 1024, macs: 1e9, macsBehind: 3e8, weightsBehind: 3e6 },
} as const satisfies { data: DataSize; outputs: number; cut: CutSize };

export const UNKNOWN_SIZES: SweepSizes = { data: new Map(), outputs: new Map(), cuts: new Map() };

/** Images that a trial trains on. */
export function trainImages({ n, subset }: Pick<TrialSpec, 'n' | 'subset'>, size: DataSize): number {
  if (n === 'all') return size.train;
  const perPatient = subset.unit === 'patients' ? size.train / Math.max(1, size.trainPatients) : 1;
  return Math.min(size.train, Math.ceil(n * perPatient));
}

interface Training {
  /** Images that it is trained on and validated on after every epoch. */
  readonly images: number;
  readonly validation: number;
}

/** How many trainings a trial has, and what one is: of a cross-validated trial one a fold. */
function trainingsOf(spec: TrialSpec, data: DataSize): Training & { readonly count: number } {
  const images = trainImages(spec, data);
  const count = foldsOf(spec.validation);
  if (count === undefined) return { count: 1, images, validation: data.validation };
  return { count, images: Math.ceil((images * (count - 1)) / count), validation: images / count };
}

/** Steps of the range test of a trial with `lr: auto`. */
function rangeSteps({ lr }: Pick<TrialSpec, 'lr'>): number {
  return lr === 'auto' ? RANGE.steps : 0;
}

/** Thread-seconds of one trial, of a network from the best of the activations there are. */
export function trialSeconds(spec: TrialSpec, sizes: SweepSizes, activations: ActivationCuts = NONE): number {
  if (spec.strategy === REGRESSION) return regressionSeconds(spec, sizes);
  return trainsNetwork(spec.strategy) ? networkSeconds(spec, sizes, activations) : headSeconds(spec, sizes);
}

const NONE: ActivationCuts = new Map();
const costs = new NetworkCost();

/**
 * Thread-seconds of the logistic regressions of a trial: for each output and value of C in every fold the products of all pairs of
 * features (or rows, where they are fewer) over the training rows and the solution; and one product for the rows that are judged.
 */
function regressionSeconds(spec: TrialSpec, sizes: SweepSizes): number {
  const data = sizes.data.get(spec.dataset) ?? TYPICAL.data;
  const outputs = sizes.outputs.get(`${spec.dataset}/${spec.task}`) ?? TYPICAL.outputs;
  const { features } = sizes.cuts.get(`${spec.source}/${spec.cut}`) ?? TYPICAL.cut;
  const { strengths = [], folds = 0, penalty = 'l2' } = spec.regression ?? {};
  const { count, images, validation } = trainingsOf(spec, data);
  const fits = strengths.length * folds + 1;
  const judged = validation + data.test;
  const side = Math.min(features, images);
  const slower = penalty === 'l2' ? 1 : 1 + features / RATES.regressionL1Features;
  const fit = slower * side * (images * features + RATES.regressionSolve * side);
  return (count * outputs * (fits * fit + 2 * judged * features)) / RATES.regressionFlops;
}

/**
 * Thread-seconds of one network (see `NetworkCost`); of one whose sizes are not known the layers behind the cut three times for
 * each trained image (forward, and backward by inputs and by weights), once for each validation image of every epoch and each
 * test image, and the update of each weight in every step. A range test has steps of its own. Resized or cropped images cost as
 * much less as they are smaller.
 */
export function networkSeconds(
  spec: TrialSpec,
  sizes: SweepSizes,
  activations: ActivationCuts = NONE,
): number {
  const data = sizes.data.get(spec.dataset) ?? TYPICAL.data;
  const { precision = 'fp32', augment = 'none' } = spec.network ?? {};
  const side = (augment !== 'none' && (augment.size || augment.resize)) || data.side;
  const scale = readsFeatures(spec.strategy) ? 1 : (side / data.side) ** 2;
  const { count, images, validation } = trainingsOf(spec, data);
  const tested = rangeSteps(spec);
  const key = `${spec.dataset}/${spec.source}`;
  const network = sizes.networks?.get(key);
  if (network !== undefined) {
    const size = { images, validation, test: data.test, scale };
    const cuts = mayStartBehindCuts(spec) ? activations.get(key) : undefined;
    const range = tested === 0 ? 0 : tested * costs.stepSeconds(spec, size, network);
    return count * (costs.seconds(spec, size, network, (cut) => cuts?.has(cut) === true) + range);
  }
  const { macsBehind, weightsBehind } = sizes.cuts.get(`${spec.source}/${spec.cut}`) ?? TYPICAL.cut;
  const passes =
    spec.epochs * (3 * images + validation) + data.test + 3 * tested * Math.min(spec.batch, images);
  const updates = (spec.epochs * Math.ceil(images / spec.batch) + tested) * weightsBehind;
  const rate = RATES.trainMacs * (precision === 'bf16' ? RATES.bf16 : 1);
  return count * ((passes * scale * macsBehind) / rate + updates / RATES.networkUpdates);
}

/** Trials with networks that have equal keys cost the same, whatever activations there are. */
export function networkCostKey(spec: TrialSpec): string {
  const { dataset, source, cut, strategy, n, epochs, batch, subset, validation, lr, network } = spec;
  const { precision = 'fp32', augment = 'none' } = network ?? {};
  const side = augment === 'none' ? '' : `${augment.size} ${augment.resize}`;
  const training = `${strategy} ${n} ${subset.unit} ${epochs} ${batch} ${validation} ${lr === 'auto'}`;
  return `${dataset}/${source} ${cut} ${training} ${precision} ${mayStartBehindCuts(spec)} ${side}`;
}

/**
 * Thread-seconds of one head: of every step the forward and both backward products (6 operations for each sample,
 * feature and output), dropout of each feature value and the update of each weight; of every epoch one forward pass over
 * the validation split; at the end one over the test split.
 */
export function headSeconds(spec: TrialSpec, sizes: SweepSizes): number {
  const data = sizes.data.get(spec.dataset) ?? TYPICAL.data;
  const outputs = sizes.outputs.get(`${spec.dataset}/${spec.task}`) ?? TYPICAL.outputs;
  const { features } = sizes.cuts.get(`${spec.source}/${spec.cut}`) ?? TYPICAL.cut;
  const { count, images, validation } = trainingsOf(spec, data);
  const weights = features * outputs;
  const steps = Math.ceil(images / spec.batch);
  const train =
    (6 * images * weights) / RATES.headFlops +
    (steps * weights) / RATES.headUpdates +
    (spec.dropout > 0 ? (images * features) / RATES.dropoutValues : 0);
  const validate = (2 * validation * weights) / RATES.headFlops;
  const range = (rangeSteps(spec) / steps) * train;
  const test = (2 * data.test * weights) / RATES.headFlops;
  return count * (spec.epochs * (train + validate) + range + test);
}

/** Bytes that one trial's head, or its head of each fold, holds in the bank: weights, two moments and the best snapshot; learning rates and momenta. */
export function headBytes(spec: TrialSpec, sizes: SweepSizes): number {
  const data = sizes.data.get(spec.dataset) ?? TYPICAL.data;
  const outputs = sizes.outputs.get(`${spec.dataset}/${spec.task}`) ?? TYPICAL.outputs;
  const { features } = sizes.cuts.get(`${spec.source}/${spec.cut}`) ?? TYPICAL.cut;
  const { count, images } = trainingsOf(spec, data);
  return count * 4 * (4 * (features + 1) * outputs + 2 * spec.epochs * Math.ceil(images / spec.batch));
}

/** Thread-seconds to fill one feature store: each image decoded (unless it was before) and run through the prefix. */
export function extractSeconds(
  images: number,
  macs: number,
  decoded: boolean,
  network?: NetworkSize,
): number {
  return images * (macs / extractRate(network) + (decoded ? 0 : 1 / RATES.decodeImages));
}

/** Multiply-adds of extraction that one thread does in a second: of a network that was measured, those of its forward pass. */
export function extractRate(network?: NetworkSize): number {
  return network?.speeds.fp32.forwardMacs ?? RATES.extractMacs;
}

/** What a network's training goes by where nothing was measured. */
export const TYPICAL_SPEEDS: NetworkSpeeds = {
  forwardMacs: RATES.trainMacs,
  backwardMacs: RATES.trainMacs,
  updates: RATES.networkUpdates,
  stepSeconds: 0,
  openSeconds: 0,
};
