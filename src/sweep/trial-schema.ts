import { z } from 'zod';
import { freezeRule, STRATEGY_FORMS } from '../train/freeze.js';
import type { OptimizerSpec, PolicySpec, Strategy, TrialSpec } from '../train/trial.js';
import { foldsOf, MOST_FOLDS } from '../train/validation.js';
import {
  networkDefaults,
  networkFields,
  partialAugment,
  partialTestViews,
  testViews,
} from './network-schema.js';
import { partialRegression, regression, regressionDefault } from './regression-schema.js';
import {
  byKind,
  distinct,
  expected,
  flag,
  mapping,
  name,
  number,
  oneOrMore,
  text,
  whole,
  words,
} from './schema-words.js';
import type { TrialSettings } from './strategy.js';

const positive = number('a number above 0', (value) => value > 0 && Number.isFinite(value));
const share = number('a number from 0 to 1', (value) => value >= 0 && value <= 1);
const rate = number('a number from 0 to below 1', (value) => value >= 0 && value < 1);
const notNegative = number('a number of at least 0', (value) => value >= 0 && Number.isFinite(value));
const milestone = number('a part of the training between 0 and 1', (value) => value > 0 && value < 1);
const count = whole('a whole number of at least 1', 1);
const MAX_SEED = 2 ** 32 - 1;
export const seed = whole(`a whole number from 0 to ${MAX_SEED}`, 0, MAX_SEED);

const momentumCycle = z.union([z.literal('fixed'), mapping({ minimum: rate, maximum: rate })], {
  ...expected('`fixed` or {minimum, maximum}, each from 0 to below 1'),
});

const cycleCount = whole('a whole number from 1 to 1000', 1, 1000);

/** Defaults: one-cycle as in Smith & Topin 2018 with the divisors that its common implementations share. */
const policies = byKind(
  mapping({ kind: z.literal('constant') }),
  mapping({ kind: z.literal('cosine'), final: share.default(0) }),
  mapping({
    kind: z.literal('one-cycle'),
    warmup: rate.default(0.3),
    startDivisor: number('a number of at least 1', (value) => value >= 1).default(25),
    finalDivisor: number('a number of at least 1', (value) => value >= 1).default(10_000),
    anneal: words('cosine', 'linear').default('cosine'),
    threePhase: flag.default(false),
    momentum: momentumCycle.default({ minimum: 0.85, maximum: 0.95 }),
  }).superRefine(({ threePhase, warmup }, context) => {
    if (!threePhase || warmup <= 0.5) return;
    const message = `expected at most 0.5 with \`threePhase\`, which goes down for as long as up, received ${warmup}.`;
    context.addIssue({ code: 'custom', message, path: ['warmup'] });
  }),
  mapping({
    kind: z.literal('step'),
    factor: positive.default(0.1),
    at: distinct(
      z.array(milestone, expected('a list of parts of the training')).min(1, expected('at least one part')),
    ).default([0.5, 0.75]),
  }),
  mapping({
    kind: z.literal('plateau'),
    against: words('lowest', 'previous').default('lowest'),
    factor: milestone.default(0.1),
    patience: whole('a whole number of at least 0', 0).default(0),
    threshold: number('a number', Number.isFinite).default(0),
    minimum: share.default(0.001),
  }),
  mapping({
    kind: z.literal('warmup'),
    warmup: rate.default(0.1),
    start: share.default(0),
    after: words('constant', 'linear', 'cosine').default('constant'),
  }),
  mapping({
    kind: z.literal('cyclic'),
    mode: words('triangular', 'triangular2', 'exp-range').default('triangular'),
    cycles: cycleCount.default(4),
    rise: milestone.default(0.5),
    minimum: share.default(0.1),
    gamma: number('a number above 0 and up to 1', (value) => value > 0 && value <= 1).default(0.999),
    momentum: momentumCycle.default({ minimum: 0.85, maximum: 0.95 }),
  }),
  mapping({
    kind: z.literal('warm-restarts'),
    cycles: cycleCount.default(3),
    multiply: whole('a whole number from 1 to 10', 1, 10).default(2),
    minimum: share.default(0),
  }),
);

const policy = policies.transform(withoutDefaults) satisfies z.ZodType<PolicySpec>;

/** What is as it was before it could be set is left out, and is no part of a trial's identity. */
function withoutDefaults(value: z.output<typeof policies>): PolicySpec {
  if (value.kind === 'plateau') {
    const { against, ...rest } = value;
    return { ...rest, ...(against === 'previous' ? { against } : {}) };
  }
  if (value.kind !== 'one-cycle') return value;
  const { anneal, threePhase, ...rest } = value;
  return {
    ...rest,
    ...(anneal === 'linear' ? { anneal } : {}),
    ...(threePhase ? { threePhase } : {}),
  };
}

const adamShape = { beta1: rate.default(0.9), beta2: rate.default(0.999), epsilon: positive.default(1e-8) };
const optimizer = byKind(
  mapping({ kind: z.literal('adam'), ...adamShape }),
  mapping({ kind: z.literal('adamw'), ...adamShape }),
  mapping({ kind: z.literal('sgd'), momentum: rate.default(0.9), nesterov: flag.default(false) }),
) satisfies z.ZodType<OptimizerSpec>;

const unit = words('images', 'patients');
const subset = z.preprocess(
  (value) => (typeof value === 'string' ? { unit: value } : value),
  mapping({ unit: unit.default('images'), stratify: flag.default(true) }),
);

const validation = z.custom<TrialSpec['validation']>(
  (value) =>
    value === 'full' ||
    value === 'proportional' ||
    (typeof value === 'string' && foldsOf(value) !== undefined),
  expected(`full, proportional or cv:K with K folds from 2 to ${MOST_FOLDS}`),
);

/** The settings of a trial that `training` gives defaults for. */
export type TrainingSpec = Omit<
  TrialSettings,
  | 'dataset'
  | 'dataFingerprint'
  | 'task'
  | 'taskFingerprint'
  | 'source'
  | 'sourceFingerprint'
  | 'arch'
  | 'strategy'
  | 'n'
  | 'seed'
>;

const trainingFields = {
  cut: text,
  featureDtype: words('float32', 'float16'),
  policy,
  lr: z.custom<TrialSpec['lr']>(
    (value) => value === 'auto' || (typeof value === 'number' && value > 0 && Number.isFinite(value)),
    expected('a number above 0 or `auto`'),
  ),
  dropout: rate,
  weightDecay: notNegative,
  optimizer,
  labelWeights: words('none', 'inverse', 'effective'),
  labelSmoothing: rate,
  ema: rate,
  featureScaling: words('none', 'standard'),
  epochs: count,
  batch: count,
  subset,
  validation,
  select: words('loss', 'auroc'),
  earlyStopping: whole('a whole number of epochs, 0 = never', 0),
  testViews,
  ...networkFields,
  regression,
};

/** `training:` with its defaults. */
export const trainingSchema = mapping({
  cut: trainingFields.cut.default('pooled'),
  featureDtype: trainingFields.featureDtype.default('float32'),
  policy: trainingFields.policy.default({ kind: 'constant' }),
  lr: trainingFields.lr.default(0.001),
  dropout: trainingFields.dropout.default(0),
  weightDecay: trainingFields.weightDecay.default(0),
  optimizer: trainingFields.optimizer.default({ kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
  labelWeights: trainingFields.labelWeights.default('none'),
  labelSmoothing: trainingFields.labelSmoothing.default(0),
  ema: trainingFields.ema.default(0),
  featureScaling: trainingFields.featureScaling.default('standard'),
  epochs: trainingFields.epochs.default(30),
  batch: trainingFields.batch.default(32),
  subset: trainingFields.subset.default({ unit: 'images', stratify: true }),
  validation: trainingFields.validation.default('full'),
  select: trainingFields.select.default('loss'),
  earlyStopping: trainingFields.earlyStopping.default(0),
  testViews: trainingFields.testViews.default('none'),
  batchNorm: networkFields.batchNorm.default(networkDefaults.batchNorm),
  precision: networkFields.precision.default(networkDefaults.precision),
  clipNorm: networkFields.clipNorm.default(networkDefaults.clipNorm),
  augment: networkFields.augment.default(networkDefaults.augment),
  discriminative: networkFields.discriminative.default(1),
  atUnfreeze: networkFields.atUnfreeze.default(networkDefaults.atUnfreeze),
  denseDropout: networkFields.denseDropout.default(0),
  regression: trainingFields.regression.default(regressionDefault),
}) satisfies z.ZodType<TrainingSpec>;

const trialFields = {
  dataset: name,
  task: name,
  source: name,
  strategy: z.custom<Strategy>(
    (value) => value === 'extractor' || (typeof value === 'string' && freezeRule(value) !== undefined),
    expected(`one of ${STRATEGY_FORMS}`),
  ),
  ...trainingFields,
  n: z.union([count, z.literal('all')], expected('a whole number of at least 1 or `all`')),
  seed,
};

/** What may be an axis of the grid, outermost first: this is the order in which trials are expanded. */
export type AxisKey = keyof typeof trialFields;
export const AXIS_KEYS = Object.keys(trialFields) as readonly AxisKey[];
/** One value of each of some axes. */
export type AxisPoint = { readonly [Key in AxisKey]?: TrialSettings[Key] };

function mapFields<Result>(change: (field: z.ZodType, key: AxisKey) => Result): Record<AxisKey, Result> {
  return Object.fromEntries(AXIS_KEYS.map((key) => [key, change(trialFields[key], key)])) as Record<
    AxisKey,
    Result
  >;
}

/** A number of seeds stands for the seeds 0, 1, 2 …; a list names them. */
const seeds = z.preprocess(
  (value) =>
    Number.isInteger(value) && Number(value) > 0
      ? Array.from({ length: Number(value) }, (_, index) => index)
      : value,
  distinct(
    z.array(seed, expected('a number of seeds or a list of seeds')).min(1, expected('at least one seed')),
  ),
);

/** `grid:` every key a value or a list of values. */
export const gridSchema = mapping(
  mapFields((field, key) => (key === 'seed' ? seeds : oneOrMore(field)).optional()),
) as unknown as z.ZodType<{ readonly [Key in AxisKey]?: readonly TrialSettings[Key][] }>;

/** One entry of `zip:` lists of one length that vary together. */
export const zipSchema = mapping(
  mapFields((field) =>
    z.array(field, expected('a list of values')).min(1, expected('at least one value')).optional(),
  ),
).superRefine((lists, context) => {
  const [first, ...others] = Object.entries(lists) as [string, readonly unknown[]][];
  if (first === undefined) {
    context.addIssue({ code: 'custom', message: 'expected at least one list of values, received none.' });
  }
  for (const [key, values] of others) {
    if (values.length === first?.[1].length) continue;
    const message = `expected ${first?.[1].length} values, as many as ${first?.[0]} has, received ${values.length}.`;
    context.addIssue({ code: 'custom', message, path: [key] });
  }
}) as unknown as z.ZodType<{ readonly [Key in AxisKey]?: readonly TrialSettings[Key][] }>;

/** A policy, optimizer, subset or augmentation in `exclude:` a word for its kind, or any part of it. */
const partial = {
  policy: z.preprocess(
    kindWord('kind'),
    mapping({
      kind: words(
        'constant',
        'cosine',
        'one-cycle',
        'step',
        'plateau',
        'warmup',
        'cyclic',
        'warm-restarts',
      ).optional(),
      final: share.optional(),
      warmup: rate.optional(),
      startDivisor: positive.optional(),
      finalDivisor: positive.optional(),
      anneal: words('cosine', 'linear').optional(),
      threePhase: flag.optional(),
      momentum: momentumCycle.optional(),
      factor: positive.optional(),
      at: z.array(milestone, expected('a list of parts of the training')).optional(),
      against: words('lowest', 'previous').optional(),
      patience: whole('a whole number of at least 0', 0).optional(),
      threshold: number('a number', Number.isFinite).optional(),
      start: share.optional(),
      after: words('constant', 'linear', 'cosine').optional(),
      mode: words('triangular', 'triangular2', 'exp-range').optional(),
      cycles: cycleCount.optional(),
      rise: milestone.optional(),
      minimum: share.optional(),
      gamma: share.optional(),
      multiply: cycleCount.optional(),
    }),
  ),
  optimizer: z.preprocess(
    kindWord('kind'),
    mapping({
      kind: words('adam', 'adamw', 'sgd').optional(),
      momentum: rate.optional(),
      nesterov: flag.optional(),
      beta1: rate.optional(),
      beta2: rate.optional(),
      epsilon: positive.optional(),
    }),
  ),
  subset: z.preprocess(kindWord('unit'), mapping({ unit: unit.optional(), stratify: flag.optional() })),
  augment: partialAugment,
  testViews: partialTestViews,
  regression: partialRegression,
};

function kindWord(key: string): (value: unknown) => unknown {
  return (value) => (typeof value === 'string' ? { [key]: value } : value);
}

/** One entry of `exclude:` trials that have, for every key, any of its values. */
export type Exclusion = { readonly [Key in AxisKey]?: readonly unknown[] };
export const exclusionSchema = mapping(
  mapFields((field, key) =>
    oneOrMore(key in partial ? partial[key as keyof typeof partial] : field).optional(),
  ),
).refine((entry) => Object.keys(entry).length > 0, {
  error: 'expected at least one condition, received none: it would leave out every trial.',
}) as unknown as z.ZodType<Exclusion>;
