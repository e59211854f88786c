export interface ZooOptions {
  readonly channels: 1 | 3;
  /** Height and width of the input. */
  readonly size: number;
  /** Outputs of the classifier; without it the graph ends at the pooled features. */
  readonly classes?: number | undefined;
  /** Seeds the initial weights; null leaves all of them 0, where those of a file are put in their place. */
  readonly seed: number | null;
}
