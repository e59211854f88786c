import { z } from 'zod';
import type { AugmentSpec, NetworkSpec } from '../train/trial.js';
import { byShape, expected, mapping, number, whole, words } from './schema-words.js';

const share = number('a number from 0 to 1', (value) => value >= 0 && value <= 1);
const notNegative = number('a number of at least 0', (value) => value >= 0 && Number.isFinite(value));
const degrees = number('degrees from 0 to 180', (value) => value >= 0 && value <= 180);
/** Longest side that the engine resamples (native/image/augment.h). */
const LONGEST_SIDE = 8192;
const side = whole(`a number of pixels from 0 to ${LONGEST_SIDE}`, 0, LONGEST_SIDE);
const crop = words('none', 'center', 'random');

const testWords = words('none', 'flip');
const augmentation = mapping({
  resize: side.default(0),
  size: side.default(0),
  crop: crop.default('none'),
  pad: side.default(0),
  flip: share.default(0),
  verticalFlip: share.default(0),
  rotation: degrees.default(0),
  brightness: share.default(0),
  contrast: share.default(0),
  mixup: notNegative.default(0),
}).superRefine((augment, context) => {
  const refuse = (message: string, key?: string) =>
    context.addIssue({ code: 'custom', message, ...(key === undefined ? {} : { path: [key] }) });
  const { resize, size, crop: place, pad } = augment;
  if (Object.values(augment).every((value) => value === 0 || value === 'none')) {
    refuse(
      'expected at least one change of the images, received none; `augment: none` leaves them as they are.',
    );
  }
  if (place === 'none' && pad > 0) refuse(`expected 0 without a crop, received ${pad}.`, 'pad');
  if (place === 'none' && size > 0 && size !== resize) {
    refuse(`expected a crop (\`center\` or \`random\`) with a size of ${size}, received none.`, 'crop');
  }
}) satisfies z.ZodType<AugmentSpec>;

const passes = whole('a whole number from 1 to 64', 1, 64);
const viewSeed = whole('a whole number from 0 to 4294967295', 0, 2 ** 32 - 1);
const drawnViews = mapping({
  passes: passes.default(4),
  augment: augmentation.refine(({ mixup }) => mixup === 0, {
    path: ['mixup'],
    error: 'expected 0, as test images are not mixed.',
  }),
  seed: viewSeed.default(0),
});

/** Of `training.testViews`; one that changes nothing would show the same image several times. */
export const testViews = byShape((value): typeof testWords | typeof drawnViews =>
  typeof value === 'string' ? testWords : drawnViews,
);

const none = words('none');
function noneOr<Inner extends z.ZodType>(inner: Inner) {
  return byShape((value): typeof none | Inner => (typeof value === 'string' ? none : inner));
}

const factor = number('a number above 0', (value) => value > 0 && Number.isFinite(value));
const factors = z.array(factor, expected('a list of numbers above 0')).min(3, expected('at least 3 numbers'));

/** Keys of `training:` that only strategies which train a network use; each may be an axis. */
export const networkFields = {
  batchNorm: words('batch', 'frozen', 'fixed'),
  precision: words('fp32', 'bf16'),
  clipNorm: notNegative,
  augment: noneOr(augmentation),
  discriminative: byShape((value): typeof factor | typeof factors =>
    Array.isArray(value) ? factors : factor,
  ),
  atUnfreeze: words('continue', 'restart'),
  denseDropout: number('a number from 0 to below 1', (value) => value >= 0 && value < 1),
} satisfies Record<keyof NetworkSpec, z.ZodType>;

export const networkDefaults: NetworkSpec = {
  batchNorm: 'batch',
  precision: 'fp32',
  clipNorm: 0,
  augment: 'none',
  discriminative: 1,
  atUnfreeze: 'continue',
};

const partialAugmentation = mapping({
  resize: side.optional(),
  size: side.optional(),
  crop: crop.optional(),
  pad: side.optional(),
  flip: share.optional(),
  verticalFlip: share.optional(),
  rotation: degrees.optional(),
  brightness: share.optional(),
  contrast: share.optional(),
  mixup: notNegative.optional(),
});
/** An augmentation in `exclude:` any part of it. */
export const partialAugment = noneOr(partialAugmentation);

const partialDrawnViews = mapping({
  passes: passes.optional(),
  augment: partialAugmentation.optional(),
  seed: viewSeed.optional(),
});
/** Test views in `exclude:` a word, or any part of drawn ones. */
export const partialTestViews = byShape((value): typeof testWords | typeof partialDrawnViews =>
  typeof value === 'string' ? testWords : partialDrawnViews,
);
