import { z } from 'zod';

const count = z.int().nonnegative();

/** An augmentation as files hold it. */
export const augmentSchema = z.object({
  resize: count,
  size: count,
  crop: z.enum(['none', 'center', 'random']),
  pad: count,
  flip: z.number(),
  verticalFlip: z.number(),
  rotation: z.number(),
  brightness: z.number(),
  contrast: z.number(),
  mixup: z.number(),
});

/** A `View` as files hold it. */
export const viewSchema = z.union([
  z.enum(['identity', 'hflip']),
  z.object({ augment: augmentSchema, seed: count, pass: count }),
]);
