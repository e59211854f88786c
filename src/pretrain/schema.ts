import { z } from 'zod';
import { dataSchema } from '../sweep/data-schema.js';
import { byShape, expected, mapping, name, number, text, whole, words } from '../sweep/schema-words.js';
import { modelSourceSchema } from '../sweep/source-schema.js';
import { taskSchema } from '../sweep/task-schema.js';
import { seed, trainingSchema } from '../sweep/trial-schema.js';
import { freezeRule, STRATEGY_FORMS } from '../train/freeze.js';
import type { Strategy } from '../train/trial.js';

/** These decide on rates while a training runs, from what no checkpoint holds. */
const MEASURING: readonly string[] = ['auto-rgn'];
const FORMS = STRATEGY_FORMS.split(', ')
  .filter((form) => form !== 'extractor' && !MEASURING.includes(form))
  .join(', ');

const strategy = z.custom<Strategy>(
  (value) => typeof value === 'string' && freezeRule(value) !== undefined && !MEASURING.includes(value),
  expected(`one of ${FORMS}`),
);

/** What a sweep's `training:` has beyond it is of use to heads, or to results that are compared. */
const { cut, featureDtype, featureScaling, testViews, subset, validation, regression, ...network } =
  trainingSchema.shape;
/** Folds make several networks, of which a pretraining could write only one. */
const validationOfOne = words('full', 'proportional').default('full');

const all = z.literal('all', expected('a whole number of at least 1 or `all`'));
const count = whole('a whole number of at least 1 or `all`', 1);

/** `training:` of a pretraining: the settings of one trial that trains a network. */
const training = mapping({
  ...network,
  subset,
  validation: validationOfOne,
  strategy: strategy.default('full'),
  lr: number('a number above 0', (value) => value > 0 && Number.isFinite(value)).default(0.001),
  n: byShape((value): typeof all | typeof count => (typeof value === 'number' ? count : all)).default('all'),
});

const output = mapping({
  pretraining: text,
  site: text.optional(),
  license: text.optional(),
  citation: text.optional(),
  trainedOn: z
    .array(text, expected('a list of data sets'))
    .min(1, expected('at least one data set'))
    .optional(),
});
export type OutputValue = z.infer<typeof output>;

/** The whole config of `thaw pretrain`. */
export const pretrainSchema = mapping({
  name: name.optional(),
  out: text.optional(),
  cache: text.optional(),
  seed: seed.default(0),
  data: dataSchema,
  task: taskSchema.refine(({ datasets }) => datasets === undefined, {
    path: ['datasets'],
    error: 'expected no data sets: a pretraining has one.',
  }),
  source: modelSourceSchema,
  training: training.prefault({}),
  output,
});
export type PretrainValue = z.infer<typeof pretrainSchema>;
