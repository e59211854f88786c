import { z } from 'zod';
import { MURA_PARTS } from '../data/sources/mura.js';
import { expected, flag, text, whole, words } from './schema-words.js';

const texts = z.array(text, expected('a list of texts')).min(1, expected('at least one text'));
const views = words('frontal', 'lateral', 'all').optional();
const observations = {
  views,
  uncertain: words('zeros', 'ones', 'ignore', 'paper').optional(),
  blank: words('zeros', 'ignore').optional(),
};
const validAs = words('validation', 'test').optional();

/** Keys of the published data sets, by `kind`: each loads from `root` alone. */
export const adapterKeys = {
  chexpert: {
    kind: z.literal('chexpert'),
    root: text,
    ...observations,
    validAs,
    trainTable: text.optional(),
    validTable: text.optional(),
    testTable: text.optional(),
    allowMissing: flag.optional(),
  },
  mimicCxrJpg: {
    kind: z.literal('mimic-cxr-jpg'),
    root: text,
    labels: words('chexpert', 'negbio').optional(),
    ...observations,
    images: text.optional(),
    allowMissing: flag.optional(),
  },
  padchest: {
    kind: z.literal('padchest'),
    root: text,
    table: text.optional(),
    labels: texts.optional(),
    minImages: whole('a whole number of at least 1', 1).optional(),
    method: words('physician', 'rnn', 'all').optional(),
    views,
    excludeLabels: z.array(text, expected('a list of labels')).optional(),
    images: text.optional(),
    allowMissing: flag.optional(),
  },
  vindrCxr: {
    kind: z.literal('vindr-cxr'),
    root: text,
    readings: words('majority', 'any').optional(),
    allowMissing: flag.optional(),
  },
  rsnaPneumonia: {
    kind: z.literal('rsna-pneumonia'),
    root: text,
    labels: words('pneumonia', 'classes').optional(),
    images: text.optional(),
    allowMissing: flag.optional(),
  },
  mura: {
    kind: z.literal('mura'),
    root: text,
    parts: z
      .array(words(...MURA_PARTS), expected('a list of body parts'))
      .min(1, expected('at least one body part'))
      .optional(),
    validAs,
    allowMissing: flag.optional(),
  },
} as const;
