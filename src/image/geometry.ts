import { ThawError } from '../base/errors.js';

/**
 * How an image of any size becomes `size` × `size` pixels: `fill` stretches, `fit` scales the longer side and pads with
 * black, `crop` scales the shorter side and takes the centre.
 */
export type Geometry = 'fill' | 'fit' | 'crop';

export interface ImageLayout {
  /** Height and width of a stored image in pixels. */
  readonly size: number;
  readonly geometry: Geometry;
  /** 1 = grey, 3 = RGB. */
  readonly channels: 1 | 3;
}

const MAXIMUM_SIZE = 8192;

/** Bytes of one stored image, uint8 [size, size, channels]. */
export function rowBytes(layout: ImageLayout): number {
  return layout.size * layout.size * layout.channels;
}

/** Throws CONFIG for a layout that no store can have. */
export function checkLayout(layout: ImageLayout): void {
  const { size, geometry, channels } = layout;
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
}
