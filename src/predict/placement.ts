import type { NativeAugment } from '../engine/addon.js';
import { augmentedSide } from '../features/view.js';
import type { ImageLayout } from '../image/geometry.js';

/** Along one axis: where pixel position p of an image file lies in the network's input, at p · scale + offset. */
export interface AxisPlacement {
  readonly scale: number;
  readonly offset: number;
}

/** Positions are continuous: pixel i reaches from i to i + 1. */
export interface Placement {
  readonly x: AxisPlacement;
  readonly y: AxisPlacement;
  /** Side of the network's input in pixels; what lies outside 0 … side the network does not see. */
  readonly side: number;
}

/**
 * Where an image of `width` × `height` pixels lies in the input of a network: through the layout of the image store (stretched,
 * padded or cropped to `size`), the resize and the central crop of the training's augmentation.
 */
export function placementOf(
  { width, height }: { readonly width: number; readonly height: number },
  { images, augment }: { readonly images: ImageLayout; readonly augment: NativeAugment },
): Placement {
  const side = augmentedSide(augment, images.size);
  const resized = augment.resize || images.size;
  // As native/image/augment.cpp: whole pixels, towards the upper left corner.
  const corner = Math.floor((resized - side) / 2);
  const shrink = resized / images.size;
  const axis = (length: number): AxisPlacement => {
    const stored = storedAxis(length, { width, height }, images);
    return { scale: stored.scale * shrink, offset: stored.offset * shrink - corner };
  };
  return { x: axis(width), y: axis(height), side };
}

/** As the image library lays an image out: its sides are whole pixels, and so are the margins. */
function storedAxis(
  length: number,
  { width, height }: { readonly width: number; readonly height: number },
  { size, geometry }: ImageLayout,
): AxisPlacement {
  if (geometry === 'fill') return { scale: size / length, offset: 0 };
  const reference = geometry === 'fit' ? Math.max(width, height) : Math.min(width, height);
  const scaled = Math.max(1, Math.round((length * size) / reference));
  return { scale: scaled / length, offset: Math.floor((size - scaled) / 2) };
}
