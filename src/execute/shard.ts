import type { DataSource } from '../data/load.js';
import type { SplitRule } from '../data/split.js';
import type { TaskRule } from '../data/task.js';
import type { ModelSource } from '../sweep/config.js';
import type { TrialSpec } from '../train/trial.js';

/** A data set as a worker opens it: the table is read again, the pixels are in the image store. */
export interface ShardDataset {
  readonly source: DataSource;
  readonly split: SplitRule;
  readonly allowLeakage: boolean;
  /** Rows that `duplicates: drop` leaves out. */
  readonly dropped?: readonly number[];
  /** Folder of the complete image store. */
  readonly imageStore: string;
}

/** Trials of one strategy that share data, task, source and cut: one head bank, regressions, or networks one after another. */
export interface ShardUnit {
  readonly id: string;
  readonly dataset: string;
  readonly task: string;
  readonly source: string;
  /** Folder of the complete store of features, of a network or hand-made; absent where training starts from the images. */
  readonly featureStore?: string;
  /** Folders of the complete feature stores of the other test views, in order. */
  readonly viewStores?: readonly string[];
  /** By cut: folders of complete feature stores that networks may be trained from. */
  readonly activations?: Readonly<Record<string, string>>;
  /** The data set that the source's weights have seen images of, where the test images may be among them. */
  readonly seenData?: string;
  readonly trials: readonly TrialSpec[];
}

/** The file that `thaw worker SHARD.json` runs: everything a worker needs, whatever started it. */
export interface Shard {
  readonly version: 1;
  /** Run folder that ledger and predictions are written to. */
  readonly run: string;
  readonly threads: number;
  readonly datasets: Readonly<Record<string, ShardDataset>>;
  readonly tasks: Readonly<Record<string, TaskRule>>;
  /** Models of the units that train networks. */
  readonly sources: Readonly<Record<string, ModelSource>>;
  readonly units: readonly ShardUnit[];
}

/** From the parent to a worker process. */
export type WorkerCommand =
  /** Run unit `index` of the shard; `attempt` counts from 1. */
  | { readonly type: 'run'; readonly index: number; readonly attempt: number }
  /** Leave the unit in hand unrecorded and exit. */
  | { readonly type: 'stop' }
  /** No more units: exit. */
  | { readonly type: 'end' };

/** From a worker process to its parent. */
export type WorkerEvent =
  | { readonly type: 'ready' }
  /** Part of unit `index` that is done, 0 to 1. */
  | { readonly type: 'progress'; readonly index: number; readonly done: number }
  | { readonly type: 'finished'; readonly index: number; readonly ok: number; readonly failed: number }
  /** The unit could not run at all; none of its trials has a row yet. */
  | { readonly type: 'broken'; readonly index: number; readonly code: string; readonly message: string };
