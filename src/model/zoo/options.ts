import type { Graph } from '../graph.js';

export interface ZooOptions {
  readonly channels: 1 | 3;
  /** Height and width of the input. */
  readonly size: number;
  /** Outputs of the classifier; without it the graph ends at the pooled features. */
  readonly classes?: number | undefined;
  /** Seeds the initial weights; null leaves all of them 0, where those of a file are put in their place. */
  readonly seed: number | null;
}

/** For channel c of the graph's parameter, the channel of the weight file's; absent = the same order. */
export interface ChannelOrder {
  /** Along the first axis of a weight, or the only one of a vector. */
  readonly outputs?: readonly number[];
  /** Along the second axis of a weight. */
  readonly inputs?: readonly number[];
}

export interface ZooGraph extends Graph {
  /** Parameters whose channels a weight file has in another order than the graph. */
  readonly channelOrder?: ReadonlyMap<string, ChannelOrder>;
}
