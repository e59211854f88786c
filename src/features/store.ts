export type FeatureDtype = 'float32' | 'float16';

/** `index.json` of a complete feature store, written last: a store without it does not exist. */
export interface FeatureStoreIndex {
  readonly version: 1;
  /** Content address: image store, source model, input normalisation, cut, view, dtype. */
  readonly id: string;
  readonly dtype: FeatureDtype;
  readonly rows: number;
  /** Shape of one row's activation at the cut, [F] or [C, H, W]. */
  readonly shape: readonly number[];
  /** Rows of images that could not be read; their features are zero and must not be used. */
  readonly quarantinedRows: readonly number[];
  /** Execution provider that really ran, and why not the first choice if it was another. */
  readonly provider: 'cpu' | 'cuda';
  readonly providerNote?: string;
  readonly extractSeconds: number;
  readonly imagesPerSecond: number;
}

/** A complete feature store on disk: `data.bin` is [rows, ...shape] of `dtype`, little endian, no header. */
export interface FeatureStore {
  readonly folder: string;
  readonly dataPath: string;
  readonly index: FeatureStoreIndex;
}
