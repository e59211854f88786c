import { ThawError } from '../base/errors.js';

/**
 * How an image of any size becomes `size` × `size` pixels: `fill` stretches, `fit` scales the longer side and pads with
 * black, `crop` scales the shorter side and takes the centre.
 */
export type Geometry = 'fill' | 'fit' | 'crop';

/**
 * Which values of a grey DICOM image become black and white: the window that the file calls by this name, percentiles of its
 * pixels, or center and width (PS3.3 C.11.2.1.2, LINEAR) in modality units.
 */
export type WindowRule =
  | { readonly name: string }
  | { readonly percentile: readonly [low: number, high: number] }
  | { readonly center: number; readonly width: number };

export interface ImageLayout {
  /** Height and width of a stored image in pixels. */
  readonly size: number;
  readonly geometry: Geometry;
  /** 1 = grey, 3 = RGB. */
  readonly channels: 1 | 3;
  /** For DICOM; default: the file's first window, or the percentiles 0.5 to 99.5 where it has none. */
  readonly window?: WindowRule | undefined;
}

const MAXIMUM_SIZE = 8192;

/** Bytes of one stored image, uint8 [size, size, channels]. */
export function rowBytes(layout: ImageLayout): number {
  return layout.size * layout.size * layout.channels;
}

/** Throws CONFIG for a layout that no store can have. */
export function checkLayout(layout: ImageLayout): void {
  const { size, geometry, channels, window } = layout;
  if (!Number.isInteger(size) || size < 1 || size > MAXIMUM_SIZE) {
    throw new ThawError('CONFIG', `expected an image size from 1 to ${MAXIMUM_SIZE}, received ${size}.`, {
      node: 'size',
    });
  }
  if (!['fill', 'fit', 'crop'].includes(geometry)) {
    throw new ThawError('CONFIG', `expected a geometry of fill, fit or crop, received ${geometry}.`, {
      node: 'geometry',
    });
  }
  if (channels !== 1 && channels !== 3) {
    throw new ThawError('CONFIG', `expected 1 or 3 channels, received ${channels}.`, { node: 'channels' });
  }
  if (window !== undefined && 'percentile' in window) {
    const [low, high] = window.percentile;
    if (!(low >= 0 && low < high && high <= 100)) {
      const expected = 'expected two percentiles, 0 ≤ low < high ≤ 100';
      throw new ThawError('CONFIG', `${expected}, received ${low} and ${high}.`, { node: 'window' });
    }
  }
  if (window !== undefined && 'width' in window && !(window.width >= 1)) {
    throw new ThawError('CONFIG', `expected a width of at least 1, received ${window.width}.`, {
      node: 'window',
    });
  }
}
