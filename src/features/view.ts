import { contentId } from '../base/hash.js';
import type { NativeAugment, NativeView } from '../engine/addon.js';
import { NO_AUGMENT } from '../engine/augment.js';

/** What training with `seed` sees of an image in epoch `pass`; mixup never counts. */
export interface DrawnView {
  readonly augment: NativeAugment;
  readonly seed: number;
  readonly pass: number;
}

/** How an image is shown to a frozen network: as it is, mirrored left to right, or as one draw of an augmentation. */
export type View = 'identity' | 'hflip' | DrawnView;

/**
 * The view as the engine wants it; `sides` is the training's augmentation, whose resize and crop `identity` and `hflip` keep.
 * Extraction and native batch assembly are given the same and see the same pixels.
 */
export function nativeView(view: View, sides: NativeAugment = NO_AUGMENT): NativeView {
  if (view === 'identity') return { kind: 'central', augment: sides, seed: 0, pass: 0 };
  if (view === 'hflip') return { kind: 'mirrored', augment: sides, seed: 0, pass: 0 };
  return { kind: 'drawn', ...view };
}

/** Side of what an augmentation makes of images of side `stored`, in pixels. */
export function augmentedSide({ size, resize }: NativeAugment, stored: number): number {
  return size || resize || stored;
}

/** Side of a view of images of side `stored`, in pixels. */
export function viewSide(view: View, stored: number): number {
  return typeof view === 'string' ? stored : augmentedSide(view.augment, stored);
}

/** Equal for equal views. */
export function viewKey(view: View): string {
  return typeof view === 'string' ? view : contentId(view);
}

/** In a word, for progress and plans. */
export function viewName(view: View): string {
  return typeof view === 'string' ? view : `view ${view.pass + 1}`;
}
