import type { NativeAugment } from './addon.js';

/** Images as they are stored. */
export const NO_AUGMENT: NativeAugment = {
  resize: 0,
  size: 0,
  crop: 'none',
  pad: 0,
  flip: 0,
  verticalFlip: 0,
  rotation: 0,
  brightness: 0,
  contrast: 0,
  mixup: 0,
};
