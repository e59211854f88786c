/** Image of `extractRadiomics`; pixels and mask are borrowed until the promise settles. */
export interface NativeRadiomicsImage {
  /** [slices × height × width] */
  readonly pixels: Uint8Array | Uint16Array | Int16Array | Float32Array | Float64Array;
  readonly width: number;
  readonly height: number;
  readonly slices: number;
  /** Of the same size. */
  readonly mask?: Uint8Array;
  /** Millimetres between pixels. */
  readonly spacingX: number;
  readonly spacingY: number;
}

export interface NativeGreyRange {
  readonly low: number;
  readonly high: number;
}

export type NativeDiscretisation = { readonly range?: NativeGreyRange } & (
  | { readonly binning: 'count'; readonly count: number }
  | { readonly binning: 'width'; readonly width: number }
  | { readonly binning: 'none' }
);

export type NativeRadiomicsFilter =
  | { readonly kind: 'original' | 'gradient' | 'square' | 'squareroot' | 'logarithm' | 'exponential' }
  | { readonly kind: 'log'; readonly sigma: number }
  | { readonly kind: 'wavelet'; readonly wavelet: string; readonly levels: number }
  | {
      readonly kind: 'lbp';
      readonly points: number;
      readonly radius: number;
      readonly method: 'default' | 'ror' | 'uniform';
    };

/** Features by family, or the paper's 79; `native/radiomics/options.h` says what each field is. */
export type NativeRadiomicsOptions =
  | { readonly kind: 'paper79'; readonly range?: NativeGreyRange }
  | {
      readonly kind: 'families';
      readonly families: Readonly<
        Record<'shape' | 'stat' | 'ih' | 'cm' | 'rlm' | 'szm' | 'dzm' | 'ngt' | 'ngl', boolean>
      >;
      readonly averaged: boolean;
      readonly merged: boolean;
      readonly glcmDistances: readonly number[];
      readonly ngtdmDistance: number;
      readonly ngldmDistance: number;
      readonly ngldmCoarseness: number;
      readonly discretisation: NativeDiscretisation;
      readonly filteredDiscretisation: NativeDiscretisation;
      readonly resegment?: NativeGreyRange;
      readonly mask: 'none' | 'given' | 'body-box' | 'lung-box';
      readonly maskLabel: number;
      readonly spacing?: number;
      readonly filters: readonly NativeRadiomicsFilter[];
      readonly excludeNonFinite: boolean;
    };

/** One row an image, in the order of `featureNames` (src/radiomics/names.ts). */
export interface NativeFeatureTable {
  readonly columns: number;
  /** [images × columns], NaN = undefined. */
  readonly values: Float64Array;
  /** [images × columns] 0 measured, 1 by convention, 2 undefined. */
  readonly standings: Uint8Array;
  /** [images] index into `PROBLEMS` (src/radiomics/extract.ts). */
  readonly problems: Uint8Array;
}

/**
 * One image a thread at a time, off the event loop. `finished` (length 1) counts images done, for progress; `abort` (length 1)
 * is read between images, the promise then rejects with ABORTED.
 */
export type NativeExtractRadiomics = (
  images: readonly NativeRadiomicsImage[],
  options: NativeRadiomicsOptions,
  threads: number,
  finished: Int32Array,
  abort: Int32Array,
) => Promise<NativeFeatureTable>;
