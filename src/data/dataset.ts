import { contentId, sha256 } from '../base/hash.js';

export type SplitName = 'train' | 'validation' | 'test';

/** A box drawn around a finding, in pixels of the original image; the corner is the upper left one. */
export interface FindingBox {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One image of a data set, as its table lists it. */
export interface DatasetEntry {
  /** Path of the image relative to the data set's root, `/`-separated, or its name where it is no file; unique. */
  readonly path: string;
  readonly patient: string;
  /** Split that the table or the folder names for this image, where it names one. */
  readonly split?: SplitName;
  readonly site?: string;
  readonly age?: number;
  readonly sex?: 'F' | 'M';
  readonly view?: string;
  /** Where the findings lie, for the few images for which it is known. */
  readonly boxes?: readonly FindingBox[];
}

/** Pixels as they are stored: [height, width, channels], 8 bits, or 16 of which all count. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array | Uint16Array;
}

/** Images that are no files of their own: members of an archive, or drawn by the program. */
export interface EmbeddedImages {
  /** What decides the pixels, besides the entries' paths; found without reading them. Throws IO. */
  identity(): Promise<string>;
  /** The image of row `row`; many may be asked for at a time. Throws IMAGE for one that is broken, IO. */
  read(row: number): Promise<RawImage>;
}

/** Which patients a data set was divided by into pretraining and the rest (hold-out.ts); equal ids are the same patients. */
export interface HeldOut {
  readonly id: string;
  /** The side that this is: all other patients, or those held out. */
  readonly use: 'upstream' | 'downstream';
}

/**
 * A labelled set of images: a typed table. Row `i` of `labels`, of every image store and of every feature store of this
 * data set belongs to `entries[i]`; rows are never renumbered (a quarantined image keeps its row).
 */
export interface Dataset {
  readonly name: string;
  /** Absolute folder that the entries' paths are relative to. */
  readonly root: string;
  readonly entries: readonly DatasetEntry[];
  readonly labelNames: readonly string[];
  /** [entries, labelNames] row-major; 1 present, 0 absent, NaN unknown. */
  readonly labels: Float32Array;
  /** Where the entries' paths are no files. */
  readonly embedded?: EmbeddedImages;
  /** True when every image has exactly one of the labels (classes), false for findings that may occur together. */
  readonly exclusive: boolean;
  /** Images that the table lists but the folder lacks (only with `allowMissing`; not in `entries`). */
  readonly missingImages: number;
  /** True when the source gives no patient ids and each image was taken for a patient of its own. */
  readonly patientsAssumed: boolean;
  /** Where the patients are one side of a `holdOut`. */
  readonly heldOut?: HeldOut;
  /** What the reader noticed and the user should know (duplicated rows dropped, unknown label values …). */
  readonly notes: readonly string[];
}

/** Content address of the table (paths, patients, splits, labels; not the pixels, not where the folder lies). */
export function datasetFingerprint(dataset: Dataset): string {
  return contentId({
    entries: sha256(
      dataset.entries.map((entry) => `${entry.path}\t${entry.patient}\t${entry.split ?? ''}`).join('\n'),
    ),
    labelNames: dataset.labelNames,
    labels: sha256(
      new Uint8Array(dataset.labels.buffer, dataset.labels.byteOffset, dataset.labels.byteLength),
    ),
  });
}
