import type { DataSource } from '../data/load.js';
import type { SplitRule } from '../data/split.js';
import type { TaskRule } from '../data/task.js';
import type { ImageLayout } from '../image/geometry.js';
import type { ModelCard } from '../model/card.js';
import type { RadiomicsOptions } from '../radiomics/options.js';
import type { Claim } from './claims-schema.js';
import type { AxisKey, AxisPoint, Exclusion, TrainingSpec } from './trial-schema.js';

export type DeviceChoice = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
export type ExtractorChoice = 'auto' | 'onnxruntime' | 'engine';

export interface DataConfig {
  readonly source: DataSource;
  readonly image: ImageLayout;
  readonly split: SplitRule;
  readonly allowLeakage: boolean;
  /** The published sets that the images come from, where the kind does not say so. */
  readonly imagesOf: readonly string[];
  /**
   * What copies of an image in two parts of the split are: an `error` (unless `allowLeakage`), a reason to leave copies of test
   * images out of training and validation, or nothing to stop for.
   */
  readonly duplicates: 'error' | 'drop' | 'allow';
}

export interface TaskConfig {
  readonly rule: TaskRule;
  /** The data sets that the task is for; all where absent. */
  readonly datasets?: readonly string[];
}

/** A model card's file (absolute), or the card itself with its weights' file absolute. */
export type ModelSource = { readonly card: string } | { readonly inline: ModelCard };

/** A network, or hand-made features in the place of one. */
export type SourceConfig = ModelSource | { readonly radiomics: RadiomicsOptions };

/** Whether a source is hand-made features; its trials have one strategy, `regression`. */
export function isRadiomics(source: SourceConfig | undefined): boolean {
  return source !== undefined && 'radiomics' in source;
}

/** One factor of the product of trials; a `zip` entry is an axis of several keys. */
export interface Axis {
  readonly keys: readonly AxisKey[];
  readonly points: readonly AxisPoint[];
}

/** A config with all defaults filled in, names checked and paths absolute; plain data, `sweep.json` is its JSON. */
export interface SweepConfig {
  readonly name: string;
  /** Absolute path of the config file. */
  readonly file: string;
  /** Run folder, absolute. */
  readonly out: string;
  /** Folder of image and feature stores, absolute. */
  readonly cache: string;
  /** Bytes of activations that are stored for networks to train from; 0 = none. Absent in runs of earlier versions. */
  readonly cacheLimit?: number;
  readonly device: DeviceChoice;
  readonly extractor: ExtractorChoice;
  readonly data: Readonly<Record<string, DataConfig>>;
  readonly tasks: Readonly<Record<string, TaskConfig>>;
  readonly sources: Readonly<Record<string, SourceConfig>>;
  /** What every trial has that no axis varies. */
  readonly training: TrainingSpec;
  /** Outermost first: the grid in the order of `AXIS_KEYS`, then the entries of `zip`. */
  readonly axes: readonly Axis[];
  readonly exclude: readonly Exclusion[];
  /** Statements to be tested on the results; absent where there are none. */
  readonly claims?: Readonly<Record<string, Claim>>;
  /** Chance of any false verdict on them all together; absent = 0.05. */
  readonly alpha?: number;
}
