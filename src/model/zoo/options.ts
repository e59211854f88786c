export interface ZooOptions {
  readonly channels: 1 | 3;
  /** Height and width of the input. */
  readonly size: number;
  /** Outputs of the classifier; without it the graph ends at the pooled features. */
  readonly classes?: number | undefined;
  /** Seeds the initial weights. */
  readonly seed: number;
}
