import type { NativeHeadBankOptions } from '../engine/addon.js';
import type { FeatureStore } from '../features/store.js';

/** A store of one vector an image, as a head bank maps it. */
export function featureMatrix({ dataPath, index }: FeatureStore): NativeHeadBankOptions['features'] {
  return { path: dataPath, rows: index.rows, columns: index.shape[0] as number, dtype: index.dtype };
}
