import type { ImageLayout } from './geometry.js';

export interface QuarantinedImage {
  readonly row: number;
  readonly path: string;
  readonly reason: string;
}

/** `index.json` of a complete image store, written last: a store without it does not exist. */
export interface ImageStoreIndex {
  readonly version: 1;
  /** Content address: images (path, size, modification time) and layout. */
  readonly id: string;
  readonly layout: ImageLayout;
  /** As many as the data set has entries; a quarantined row holds zeros. */
  readonly rows: number;
  /** SHA-256 over `data.bin` and the quarantined rows: what trials are identified by. */
  readonly contentHash: string;
  readonly quarantine: readonly QuarantinedImage[];
  /** Decoded images, wall seconds and bytes read of the run that made it. */
  readonly decodeSeconds: number;
}

/** A complete image store on disk: `data.bin` is uint8 [rows, size, size, channels]. */
export interface ImageStore {
  readonly folder: string;
  readonly dataPath: string;
  readonly index: ImageStoreIndex;
}
