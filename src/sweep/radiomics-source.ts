import { z } from 'zod';
import type { RadiomicsOptions } from '../radiomics/options.js';
import { featureSettings, greyRange } from './radiomics-schema.js';
import { byShape, mapping, words } from './schema-words.js';

/** Stored pixels are bytes without masks: what is about other ones has no place here. */
const { nonFinite: _, ...settings } = featureSettings;
const ibsi = mapping({
  features: z.literal('ibsi'),
  ...settings,
  mask: words('none', 'body-box', 'lung-box').exactOptional(),
});
const paper79 = mapping({ features: z.literal('paper79'), range: greyRange.exactOptional() });
/** Only to say which word or key is wrong. */
const neither = mapping({ features: words('paper79', 'ibsi') }).transform(() => z.NEVER);

/** `radiomics:` of a source: the word for a set of features, or a mapping with its options (radiomics/options.ts). */
export const radiomicsSource = z.preprocess(
  (value) => (typeof value === 'string' ? { features: value } : value),
  byShape((value): z.ZodType<RadiomicsOptions> => {
    const features = (value as { features?: unknown } | null | undefined)?.features;
    return features === 'ibsi' ? ibsi : features === 'paper79' ? paper79 : neither;
  }),
);
