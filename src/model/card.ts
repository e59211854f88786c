/** How pixels (0–255) become the network's input: value = (pixel × scale − mean) / std, per channel in `order`. */
export interface ModelInput {
  readonly size: number;
  readonly channels: 1 | 3;
  readonly order: 'RGB' | 'BGR';
  readonly scale: number;
  /** One value per channel, in the network's channel order. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A model card `models/<name>.json`, or the same written into a config under `sources:`. */
export interface ModelCard {
  readonly name: string;
  /** What the backbone was pretrained on: `imagenet`, a site, `random` … (free text, one word). */
  readonly pretraining: string;
  /** Architecture name in the records, e.g. `squeezenet1_1`; also the zoo graph that weights are read into. */
  readonly architecture: string;
  /** Path of the `.onnx` file or the weight file (`.safetensors`, `.pth`), relative to the card; absent for `weights: random`. */
  readonly file?: string;
  /** SHA-256 of `file`; checked when given. */
  readonly sha256?: string;
  /** Seed of a randomly initialised zoo graph (only without `file`). */
  readonly randomSeed?: number;
  readonly input: ModelInput;
  /** Tensor whose pooled value is the features, where the rule for the cut `pooled` would choose another (docs/models.md). */
  readonly featureTensor?: string;
  /**
   * Published data sets whose images the weights have seen, by the `kind` that they have in a config (`chestxray14`), or a word
   * of your own that a data set gives as `imagesOf`: results on such images are too good.
   */
  readonly trainedOn?: readonly string[];
  /** Anatomical site of the images that it was trained on: `chest`, `upper limb` … */
  readonly site?: string;
  /** What its own classifier tells, in the order of the outputs; the new classifier of a trial is another. */
  readonly labels?: readonly string[];
  readonly license?: string;
  readonly citation?: string;
  readonly origin?: string;
}
