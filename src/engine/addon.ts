import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { messageOf, ThawError } from '../base/errors.js';
import type { Node } from '../model/graph.js';
import type { NativeFitLogisticRegressions } from './native-logistic-regression.js';
import type { NativeExtractRadiomics } from './native-radiomics.js';

/** Flat binary matrix on disk that C++ maps into memory itself: `rows` × `columns` elements, little endian, no header. */
export interface NativeMatrixFile {
  readonly path: string;
  /** Files of the same shape whose rows follow. */
  readonly further?: readonly string[];
  /** Of one file. */
  readonly rows: number;
  readonly columns: number;
  readonly dtype: 'float32' | 'float16' | 'uint8';
}

export interface NativeOptimizer {
  readonly kind: 'sgd' | 'adam' | 'adamw';
  /** SGD momentum, or Adam's β1; a head's `momenta` table replaces it step by step. */
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Heads that see the same rows in the same order. */
export interface NativeSampleGroup {
  /** Store rows, epoch after epoch: [epochs × rowsPerEpoch]. The last batch of an epoch may be short. */
  readonly order: Uint32Array;
  readonly rowsPerEpoch: number;
  readonly validationRows: Uint32Array;
  /** Scale features by mean and standard deviation of the distinct training rows (σ = 0 → divisor 1). */
  readonly standardize: boolean;
}

export interface NativeHead {
  /** Index into `groups`. */
  readonly group: number;
  /** Seeds the initial weights, U(−1/√F, 1/√F) as torch.nn.Linear's, and dropout. */
  readonly seed: number;
  /** Probability that a feature is dropped in a training step, in [0, 1); survivors are scaled by 1 / (1 − rate). */
  readonly dropout: number;
  readonly weightDecay: number;
  /** d of the moving average of the head's weights, in (0, 1), as of a network; absent = none. */
  readonly averageDecay?: number;
  /** Learning rate of every step: [epochs × ceil(rowsPerEpoch / batch)]. */
  readonly learningRates: Float32Array;
  /** Momentum (SGD) or β1 (Adam) of every step, same length; replaces the optimizer's constant. */
  readonly momenta?: Float32Array;
  /** [outputs] weight of each label's (class's) loss. */
  readonly labelWeights?: Float32Array;
  /** [outputs] weight of the positive term of the binary cross-entropy. */
  readonly positiveWeights?: Float32Array;
}

export interface NativeHeadBankOptions {
  readonly features: NativeMatrixFile;
  readonly outputs: number;
  /** [rows of all files × outputs]; NaN = unknown (bce only); softmax takes class probabilities. */
  readonly targets: Float32Array;
  /**
   * `bce`: mean over the known targets of a batch; `softmax`: sum over the rows of a batch divided by their number. Weights
   * do not change the divisor (PyTorch's BCEWithLogitsLoss, and CrossEntropyLoss with probabilities as target).
   */
  readonly loss: 'bce' | 'softmax';
  readonly batch: number;
  readonly optimizer: NativeOptimizer;
  readonly groups: readonly NativeSampleGroup[];
  readonly heads: readonly NativeHead[];
  /** What the best snapshot is chosen by after every epoch: lowest validation loss or highest macro AUROC. */
  readonly select: 'loss' | 'auroc';
  readonly threads: number;
}

/**
 * One call's epochs; arrays are [heads × epochs] row-major, NaN where a head has no such epoch or has failed. `trainLoss` is
 * the mean over the epoch's batches.
 */
export interface NativeTrainResult {
  readonly epochs: number;
  readonly trainLoss: Float64Array;
  readonly validationLoss: Float64Array;
  readonly validationAuroc: Float64Array;
  /** [heads] step (0-based, over all epochs) at which the loss was not finite; −1 = fine. */
  readonly failedStep: Int32Array;
  /** [heads] epoch of the best snapshot, −1 = none yet. */
  readonly bestEpoch: Int32Array;
  /** [heads] thread-seconds spent training (without validation) / validating. */
  readonly trainSeconds: Float64Array;
  readonly validateSeconds: Float64Array;
}

export type HeadWeightsKind = 'best' | 'last';

export interface NativeHeadBank {
  /**
   * Trains every head for up to `epochs` further epochs (heads whose order has ended are left alone). `abort` is of length
   * 1; not zero means stop, read between steps: the promise then rejects with the code ABORTED, and after a stop within an
   * epoch the bank needs `restore`.
   */
  train(epochs: number, abort: Int32Array): Promise<NativeTrainResult>;
  /** Logits [heads × rows × outputs] without dropout. */
  infer(rows: Uint32Array, which: HeadWeightsKind, abort: Int32Array): Promise<Float32Array>;
  /** Weight [outputs × features] and bias [outputs] as used on raw features: the group's scaling is folded in. */
  weights(head: number, which: HeadWeightsKind): { weight: Float32Array; bias: Float32Array };
  /** Replaces the current weights of a head, given for raw features, and forgets its optimizer state. */
  load(head: number, weight: Float32Array, bias: Float32Array): void;
  /** From the next epoch on the learning rates of a head's table times this, at least 0. */
  setRateFactor(head: number, factor: number): void;
  /**
   * Current weights, moments and steps of a head on features as they are, which a network that ends in such a layer, with
   * parameters of these names, can adopt.
   */
  trainingState(head: number, weight: string, bias: string): Uint8Array;
  /** Everything that training has changed (weights, moments, best, epoch counters), restorable bit for bit. */
  snapshot(): Uint8Array;
  restore(state: Uint8Array): void;
  dispose(): void;
}

export interface NativeAssembleOptions {
  /** uint8 image store: columns = height × width × channels, pixels interleaved. */
  readonly images: NativeMatrixFile;
  readonly size: number;
  readonly channels: 1 | 3;
  readonly outputChannels: 1 | 3;
  readonly order: 'RGB' | 'BGR';
  readonly scale: number;
  readonly mean: Float32Array;
  readonly std: Float32Array;
}

/** Turns rows of an image store into normalised network input, one view of each image, on a worker thread. */
export interface NativeBatchAssembler {
  /** Fills `out` [rows.length, outputChannels, side, side]; `side` is that of the view. */
  assemble(rows: Uint32Array, out: Float32Array): Promise<void>;
  dispose(): void;
}

/** A node of `model/graph.ts` as it is, with its stage: layers of one stage are frozen and unfrozen together. */
export type NativeNode = Node & { readonly stage: number };

export interface NativeGraph {
  readonly input: string;
  /** [C, H, W] or [F] */
  readonly inputShape: readonly number[];
  readonly output: string;
  /** In topological order; stages from 0 (at most 31), never falling. */
  readonly nodes: readonly NativeNode[];
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/**
 * What is done to a stored image before the network sees it in training: contrast, brightness, resize, rotation, crop, flips,
 * then normalisation and mixup; 0 leaves a step out. In evaluation only the geometry without chance (resize, central crop).
 */
export interface NativeAugment {
  /** Side after resizing in pixels, 0 = the stored one. */
  readonly resize: number;
  /** Side of the output in pixels, 0 = the resized one. */
  readonly size: number;
  readonly crop: 'none' | 'center' | 'random';
  /** Pixels of zeros around the image that a crop may take. */
  readonly pad: number;
  /** Probabilities of mirroring left and right, top and bottom. */
  readonly flip: number;
  readonly verticalFlip: number;
  /** Degrees θ: the angle is U(−θ, θ). */
  readonly rotation: number;
  /** Pixels · U(1 − b, 1 + b), and mean + (pixels − mean) · U(1 − c, 1 + c). */
  readonly brightness: number;
  readonly contrast: number;
  /** α of λ ~ Beta(α, α). */
  readonly mixup: number;
}

/**
 * How images are shown where nothing is trained on them: the central crop of `augment`'s sides, as it is or mirrored left to
 * right, or what training with `seed` sees in epoch `pass`. Mixup never counts.
 */
export interface NativeView {
  readonly kind: 'central' | 'mirrored' | 'drawn';
  readonly augment: NativeAugment;
  readonly seed: number;
  readonly pass: number;
}

/** Where a network's batches come from: activations at its cut, images, or in inference alone one view of images. */
export type NativeNetworkInput =
  | {
      readonly kind: 'features';
      /** Rows [C · H · W]. */
      readonly features: NativeMatrixFile;
      readonly shape: readonly number[];
    }
  | { readonly kind: 'images'; readonly images: NativeAssembleOptions; readonly augment: NativeAugment }
  | { readonly kind: 'view'; readonly images: NativeAssembleOptions; readonly view: NativeView };

/**
 * What a batch norm of a trained stage does: statistics of the batch, which also move the running ones (`batch`); running
 * statistics, scale and bias trained (`frozen`); nothing moves (`fixed`). Frozen stages are always `fixed`.
 */
export type NormMode = 'batch' | 'frozen' | 'fixed';

/** What every network on the engine is made with. */
export interface NativeInferenceOptions {
  readonly graph: NativeGraph;
  readonly device: 'cpu';
  /** bf16: activations and products in bfloat16; weights, sums, batch statistics and loss in float32. */
  readonly precision: 'fp32' | 'bf16';
  readonly threads: number;
  /** Winograd's algorithm for 3 × 3 convolutions in fp32. */
  readonly winograd: boolean;
  readonly batch: number;
}

export interface NativeNetworkOptions extends NativeInferenceOptions {
  readonly input: NativeNetworkInput;
  readonly loss: 'bce' | 'softmax';
  readonly optimizer: NativeOptimizer;
  /** Of each stage. */
  readonly normModes: readonly NormMode[];
  /** Of convolutions' and linear layers' weights, with `decayAll` of biases and batch norms too. */
  readonly weightDecay: number;
  readonly decayAll: boolean;
  /** Gradients are scaled down to this global L2 norm, 0 = never. */
  readonly clipNorm: number;
  /**
   * d of the exponential moving average of what is trained, in (0, 1): after step t average += (1 − d_t)(weight − average),
   * d_t = min(d, (1 + t) / (10 + t)). Running statistics that move are averaged too. Inference is that of the average.
   * Absent = none.
   */
  readonly averageDecay?: number;
  /** [outputs] each, as of a head. */
  readonly labelWeights?: Float32Array;
  readonly positiveWeights?: Float32Array;
  /** `lean` makes normalised inputs again in the backward pass, `fast` keeps them. */
  readonly memory: 'lean' | 'fast';
  /** Of dropout and augmentation. */
  readonly seed: number;
}

/** One pass over some rows, batch by batch; the last batch may be short and is a step of its own size. */
export interface NativeTrainRequest {
  readonly order: Uint32Array;
  /** How often each row came before in this epoch, where rows are oversampled; same length. */
  readonly occurrences?: Uint32Array;
  /** [store rows × outputs], NaN = unknown (bce only); softmax takes class probabilities. */
  readonly targets: Float32Array;
  /** [steps × stages] */
  readonly learningRates: Float32Array;
  /** [steps] momentum (SGD) or β1 (Adam); replaces the optimizer's constant. */
  readonly momenta?: Float32Array;
  /** [steps] bit s = stage s is trained; stages below the lowest run in inference form and cost no backward pass. */
  readonly trainedStages: Uint32Array;
  readonly epoch: number;
  /** Whether `gradientNorms` and `weightNorms` are wanted. */
  readonly recordNorms?: boolean;
}

export interface NativePassResult {
  /** [steps] */
  readonly losses: Float64Array;
  /**
   * [steps × stages] L2 norms of each stage's gradient of the loss (before clipping and decay) and of its weights before the
   * update, batch norms left out; NaN for a stage that is frozen or has no such weights. Where they were asked for.
   */
  readonly gradientNorms?: Float64Array;
  readonly weightNorms?: Float64Array;
  /** Seconds waited for batches; of forward with loss, backward, optimizer. */
  readonly assembleSeconds: number;
  readonly forwardSeconds: number;
  readonly backwardSeconds: number;
  readonly updateSeconds: number;
}

export interface NativeNetwork {
  /** All numbers of a parameter, in the graph's order. */
  load(parameter: string, values: Float32Array): void;
  read(parameter: string): Float32Array;
  /** What inference computes with: the average, or what `read` gives where there is none. */
  readAverage(parameter: string): Float32Array;
  /** Of the last step. */
  readGradient(parameter: string): Float32Array;
  /**
   * Rejects with ABORTED when stopped between two steps, with NON_FINITE when a loss is not finite; the network then is as
   * after its last finished step (but for running statistics in the second case).
   */
  train(request: NativeTrainRequest, abort: Int32Array): Promise<NativePassResult>;
  /** Logits [rows × outputs] in inference form; of another input where one is given. */
  infer(rows: Uint32Array, abort: Int32Array, input?: NativeNetworkInput): Promise<Float32Array>;
  /** Weights, running statistics, moments and counters, restorable bit for bit. */
  snapshot(): Promise<Uint8Array>;
  restore(state: Uint8Array): Promise<void>;
  /**
   * Goes on where a network of this one's last stages, or a head, was: takes the weights, moments and counters of its snapshot
   * by name. Parameters that it does not have stay as they are.
   */
  adopt(state: Uint8Array): Promise<void>;
  /** Steps done. */
  steps(): number;
  /** Memory taken: parameters and the arena. */
  bytes(): number;
  dispose(): void;
}

/** A network that only looks: running statistics, nothing kept for a backward pass. */
export interface NativeInference {
  /** All numbers of a parameter, in the graph's order. */
  load(parameter: string, values: Float32Array): void;
  /** images [batch, C, H, W] → outputs [batch, ...shape of the output]. */
  run(images: Float32Array, outputs: Float32Array): Promise<void>;
  /** Memory taken: parameters and the arena. */
  bytes(): number;
  dispose(): void;
}

export interface NativeAddon {
  /** Instruction set of the chosen kernels, e.g. `avx512`, `avx2`, `generic`. */
  readonly instructionSet: string;
  readonly compiler: string;
  readonly version: string;
  HeadBank: new (options: NativeHeadBankOptions) => NativeHeadBank;
  Network: new (options: NativeNetworkOptions) => NativeNetwork;
  Inference: new (options: NativeInferenceOptions) => NativeInference;
  BatchAssembler: new (options: NativeAssembleOptions, view: NativeView) => NativeBatchAssembler;
  /** float32 → IEEE half, round to nearest even, overflow to infinity; off the event loop. */
  convertToHalf(source: Float32Array, target: Uint16Array): Promise<void>;
  extractRadiomics: NativeExtractRadiomics;
  fitLogisticRegressions: NativeFitLogisticRegressions;
}

let loaded: NativeAddon | undefined;

/** The compiled addon; a ThawError with the way to build it where it is missing or does not load. */
export function addon(): NativeAddon {
  if (loaded !== undefined) return loaded;
  const path = fileURLToPath(new URL('../../build/Release/thaw.node', import.meta.url));
  // Threads that wait for each other spin for 10 ms by default (GNU's OpenMP): on a busy machine the engine then takes many
  // times as long. A tenth of that costs nothing on a quiet one. The library reads it when it is loaded, with the addon.
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= '10000';
  try {
    loaded = createRequire(import.meta.url)(path) as NativeAddon;
    return loaded;
  } catch (cause) {
    throw new ThawError('ENGINE', `the C++ addon does not load: ${messageOf(cause)}.`, {
      file: path,
      hint: 'Run `npm run setup` to build it.',
      cause,
    });
  }
}
