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
