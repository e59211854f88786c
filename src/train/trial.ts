import { contentId } from '../base/hash.js';
import type { NativeAugment, NormMode } from '../engine/addon.js';
import type { FeatureDtype } from '../features/store.js';
import type { RegressionFit } from '../radiomics/logistic-regression.js';
import type { LogisticRegressionOptions } from '../radiomics/regression-options.js';
import type { SetMetrics } from '../stats/set-metrics.js';
import type { Validation } from './validation.js';

export type { LabelMetrics, SetMetrics } from '../stats/set-metrics.js';

export type PolicySpec =
  | { readonly kind: 'constant' }
  /** lr · ½ (1 + cos(π · t)) from lr down to lr · final. */
  | { readonly kind: 'cosine'; readonly final: number }
  /**
   * From lr / startDivisor up to lr over `warmup` of the steps, then down to lr / startDivisor / finalDivisor; in three phases
   * down to lr / startDivisor over as many steps as up, and from there on to the end.
   */
  | {
      readonly kind: 'one-cycle';
      readonly warmup: number;
      readonly startDivisor: number;
      readonly finalDivisor: number;
      /** Form of each phase; absent = cosine. */
      readonly anneal?: 'linear';
      /** Absent = two phases. */
      readonly threePhase?: true;
      /** Momentum (β1) runs opposite: from maximum to minimum and back. */
      readonly momentum: { readonly minimum: number; readonly maximum: number } | 'fixed';
    }
  /** Multiplied by `factor` at each of the given fractions of the steps. */
  | { readonly kind: 'step'; readonly factor: number; readonly at: readonly number[] }
  /**
   * Times `factor` when the validation loss has not fallen below its lowest value less `threshold` for more than `patience`
   * epochs; training ends when that would go below lr · `minimum`. A negative threshold lets the loss rise by so much.
   */
  | {
      readonly kind: 'plateau';
      /** What the loss is compared with: absent = its lowest value, `previous` = that of the epoch before. */
      readonly against?: 'previous';
      readonly factor: number;
      readonly patience: number;
      readonly threshold: number;
      readonly minimum: number;
    }
  /** Linear from lr · start up to lr over `warmup` of the steps, then as `after` says. */
  | {
      readonly kind: 'warmup';
      readonly warmup: number;
      readonly start: number;
      readonly after: 'constant' | 'linear' | 'cosine';
    }
  /**
   * `cycles` equal cycles between lr · minimum and lr: up over `rise` of a cycle, then down, both linear. The height above the
   * minimum is the same in every cycle (`triangular`), halved from cycle to cycle (`triangular2`), or multiplied by `gamma`
   * in every step (`exp-range`). Momentum (β1) runs opposite.
   */
  | {
      readonly kind: 'cyclic';
      readonly mode: 'triangular' | 'triangular2' | 'exp-range';
      readonly cycles: number;
      readonly rise: number;
      readonly minimum: number;
      readonly gamma: number;
      readonly momentum: { readonly minimum: number; readonly maximum: number } | 'fixed';
    }
  /** Cosine from lr down to lr · minimum, again and again: `cycles` cycles, each `multiply` times as long as the one before. */
  | {
      readonly kind: 'warm-restarts';
      readonly cycles: number;
      readonly multiply: number;
      readonly minimum: number;
    };

export type OptimizerSpec =
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
  | {
      readonly kind: 'adam' | 'adamw';
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    };

/**
 * What is trained, and when: a linear head on the frozen backbone's pooled features (`extractor`); the last stage of the
 * backbone and a head, from activations at the cut before it (`last-block`); the whole network, from the source's weights
 * (`full`) or from random ones (`none`); all of it at rates by stage that follow the gradients (`auto-rgn`, see
 * train/auto-rgn.ts); or a part of it that may change from step to step (see train/freeze.ts). `regression`: no network, but
 * logistic regressions on the hand-made features of a radiomics source, which has no other strategy.
 */
export type Strategy =
  | 'extractor'
  | 'regression'
  | 'last-block'
  | 'full'
  | 'none'
  | 'gradual'
  | 'ulmfit'
  | 'progressive'
  | 'auto-rgn'
  | 'lp-ft'
  | `stage:${string}`
  | `surgical:${string}`
  | `gradual:${string}`
  | `lp-ft:${string}`;

/** What is done to images in training; the engine's own list, in which 0 leaves a step out. */
export type AugmentSpec = NativeAugment;

/**
 * How test and validation images are shown to the trained head or network; logits are averaged over the views. `flip`: as they
 * are and mirrored. Else `passes` draws of an augmentation, for each image by itself.
 */
export type TestViews =
  | 'none'
  | 'flip'
  | { readonly passes: number; readonly augment: AugmentSpec; readonly seed: number };

/** What only strategies that train a network have a use for. */
export interface NetworkSpec {
  /** What the batch norms of trained stages do. */
  readonly batchNorm: NormMode;
  readonly precision: 'fp32' | 'bf16';
  /** Gradients are scaled down to this global L2 norm, 0 = never. */
  readonly clipNorm: number;
  readonly augment: AugmentSpec | 'none';
  /**
   * Learning rates of earlier stages: a number is the factor from each stage to the one before it; a list has a factor for every
   * stage, or for the first and second half of the backbone and the head. 1 = the same for all.
   */
  readonly discriminative: number | readonly number[];
  /** Whether the policy goes on over the whole training, or begins anew whenever other stages are trained. */
  readonly atUnfreeze: 'continue' | 'restart';
  /** Probability that a number which a layer of a dense block adds is dropped; absent = 0. */
  readonly denseDropout?: number;
}

/** How a logistic regression on hand-made features is fitted; whether features are standardised says `featureScaling`. */
export interface RegressionSpec extends Omit<LogisticRegressionOptions, 'standardize'> {
  /** Parts of the training patients that C is chosen by cross-validation on. */
  readonly folds: number;
}

/**
 * One fully resolved training. Its content address is the trial's identity: equal specs are the same trial, whatever
 * machine, order or process ran it. Fingerprints of the data and the model are part of it.
 */
export interface TrialSpec {
  readonly dataset: string;
  /** datasetFingerprint + image store content hash + split. */
  readonly dataFingerprint: string;
  readonly task: string;
  /** Content address of the resolved task (labels, rule, prevalence). */
  readonly taskFingerprint: string;
  readonly source: string;
  /** Content address of the model's graph, weights and input normalisation. */
  readonly sourceFingerprint: string;
  readonly arch: string;
  /** Name of the cut that the frozen part ends at, e.g. `pooled`; `none` where nothing is frozen. */
  readonly cut: string;
  readonly featureDtype: FeatureDtype;
  readonly strategy: Strategy;
  readonly policy: PolicySpec;
  /** What the policy scales; `auto`: what a range test on the trial's own training images suggests (train/lr-finder.ts). */
  readonly lr: number | 'auto';
  readonly dropout: number;
  readonly weightDecay: number;
  readonly optimizer: OptimizerSpec;
  readonly labelWeights: 'none' | 'inverse' | 'effective';
  /** ε of label smoothing; absent = 0. */
  readonly labelSmoothing?: number;
  /** d of the exponential moving average of weights, which is what is validated, tested and kept; absent = 0, none. */
  readonly ema?: number;
  readonly featureScaling: 'none' | 'standard';
  readonly epochs: number;
  readonly batch: number;
  /** Training subset size in `subset.unit`; `all` = the whole training split. */
  readonly n: number | 'all';
  readonly subset: { readonly unit: 'images' | 'patients'; readonly stratify: boolean };
  readonly validation: Validation;
  readonly select: 'loss' | 'auroc';
  /** Epochs without a better criterion after which training ends; absent = never. */
  readonly earlyStopping?: number;
  /** Absent where every image is seen once, as it is. */
  readonly testViews?: Exclude<TestViews, 'none'>;
  readonly seed: number;
  /** Absent for the strategies `extractor` and `regression`. */
  readonly network?: NetworkSpec;
  /** Of the strategy `regression` alone, in which learning rate, epochs, batch and the like say nothing (`NO_TRAINING`). */
  readonly regression?: RegressionSpec;
}

export function trialId(spec: TrialSpec): string {
  return contentId(spec);
}

export interface TrialTiming {
  /**
   * Seconds that decoding, and taking through the backbone, this trial's images (training subset, validation, test) would
   * have cost alone: their share of the whole store, which all trials use and which an earlier run may have made.
   */
  readonly decode: number;
  readonly extract: number;
  /** Thread-seconds: of this head within its bank, or of this network; a range test of its learning rate is part of it. */
  readonly train: number;
  readonly evaluate: number;
}

/** What became of one label of a logistic regression. */
export interface RegressionLabel {
  readonly label: string;
  /** See `RegressionFit`; `one-class` and `unlabelled` give every image the same logit. */
  readonly outcome: RegressionFit['outcome'];
  /** Training rows of each class. */
  readonly positives: number;
  readonly negatives: number;
  /** C and its mean AUROC over the folds; null where there was nothing to fit, or to choose by. */
  readonly strength: number | null;
  readonly crossValidation: number | null;
  /** Features that went in, and those left out: constant, undefined in all training rows, or as the options say. */
  readonly kept: number;
  readonly removed: number;
  /** Whether the last fit has reached its tolerance, and how many fits of the folds have not. */
  readonly converged: boolean;
  readonly unconverged: number;
  /** Steps of all fits. */
  readonly iterations: number;
}

export interface RegressionRecord {
  /** Columns of the table of features. */
  readonly features: number;
  /** Undefined features of the training rows, which medians took the place of. */
  readonly imputed: number;
  readonly labels: readonly RegressionLabel[];
}

/** One training of a cross-validated trial, judged on the fold that it has not seen. */
export interface FoldResult {
  readonly trainImages: number;
  readonly trainPatients: number;
  readonly heldOutImages: number;
  readonly heldOutPatients: number;
  readonly bestEpoch: number;
  /** Of the best epoch on the held-out fold, averaged over the test views. */
  readonly auroc: number | null;
  readonly logLoss: number | null;
  /** Where the spec's learning rate is `auto`. */
  readonly foundRate?: { readonly lr: number; readonly steps: number };
  readonly curves: TrialCurves;
  /** Of the strategy `regression`. */
  readonly regression?: RegressionRecord;
}

export interface TrialCurves {
  readonly trainLoss: readonly (number | null)[];
  readonly validationLoss: readonly (number | null)[];
  readonly validationAuroc: readonly (number | null)[];
  /** `auto-rgn`: [epochs × stages] factors of the learning rate, by epoch. */
  readonly stageFactors?: readonly (readonly number[])[];
}

/** What the batch norms of a network's stages did in a run of steps that trained the same stages. */
export interface NormPhase {
  /** Steps [first, end), counted from 0. */
  readonly first: number;
  readonly end: number;
  /** By stage, from the image on; stages without batch norms are left out. */
  readonly modes: Readonly<Record<string, NormMode>>;
}

/**
 * Of a cross-validated trial, `validation` is of the held-out logits of all folds together, `test` of the mean of the trainings'
 * logits; curves are means over the folds as far as all of them went, `bestEpoch` and `foundRate` medians, seconds sums.
 */
export interface TrialResult {
  readonly trainImages: number;
  readonly trainPatients: number;
  readonly validation: SetMetrics;
  readonly test: SetMetrics;
  /** By epoch; empty for the strategy `regression`, which has none. */
  readonly curves: TrialCurves;
  /** −1 without epochs. */
  readonly bestEpoch: number;
  /** Of the strategy `regression`; where the trial is cross-validated each fold has its own. */
  readonly regression?: RegressionRecord;
  /** Where the trial is cross-validated: its trainings, and the standard deviations of what they reached on their folds. */
  readonly crossValidation?: {
    readonly folds: readonly FoldResult[];
    readonly aurocSd: number | null;
    readonly logLossSd: number | null;
  };
  /**
   * The first epochs that another trial, or a head bank, has trained for this one too, and their wall seconds, which are part of
   * `timing`; of a cross-validated trial sums over its trainings. Absent where there were none.
   */
  readonly shared?: { readonly epochs: number; readonly seconds: number };
  /**
   * The cuts whose stored activations were trained from (by the first fold), in order; `image` = none. Absent where all was trained
   * from images.
   */
  readonly phases?: readonly { readonly cut: string; readonly steps: number }[];
  /** Where the spec's learning rate is `auto`: the one that was used, and the steps of the test that found it. */
  readonly foundRate?: { readonly lr: number; readonly steps: number };
  readonly timing: TrialTiming;
  /** Images a second through the frozen backbone, or of hand-made features; null where nothing is frozen. */
  readonly extractImagesPerSecond: number | null;
  /** Samples a thread-second of training. */
  readonly trainImagesPerSecond: number;
  /** Highest resident memory of the worker process, MiB. */
  readonly peakMemoryMb: number;
  /**
   * Since when: the training of the network (of a cross-validated trial the fold that took most), the work unit of a head or a
   * regression, or, where the system cannot tell, the process. Absent in rows of earlier versions: the process.
   */
  readonly peakMemoryOf?: 'trial' | 'unit' | 'process';
  /** Of networks: what the batch norms of each stage did, as far as training went (of the first fold). */
  readonly normPhases?: readonly NormPhase[];
  /** What ran the frozen backbone of a head, or trained the network. */
  readonly device: string;
  /** Where the float16 test logits lie: [test rows × outputs]. */
  readonly predictions: {
    readonly file: string;
    readonly offset: number;
    readonly rows: number;
    readonly outputs: number;
  };
  /**
   * Where the float16 validation logits [rows × outputs] lie, and from byte `indices` on, uint32, the rows of the data set
   * that they are of. Absent in rows of ledgers that were written before these were kept.
   */
  readonly validationPredictions?: TrialResult['predictions'] & { readonly indices: number };
}
