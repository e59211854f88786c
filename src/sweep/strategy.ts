import type { NetworkSpec, RegressionSpec, Strategy, TestViews, TrialSpec } from '../train/trial.js';

/** The settings of a trial side by side, as the config has them, whether or not its strategy uses them. */
export type TrialSettings = Omit<
  TrialSpec,
  'network' | 'testViews' | 'labelSmoothing' | 'ema' | 'earlyStopping' | 'regression'
> &
  Required<NetworkSpec> & {
    readonly testViews: TestViews;
    readonly regression: RegressionSpec;
    /** 0 = none, never. */
    readonly labelSmoothing: number;
    readonly ema: number;
    readonly earlyStopping: number;
  };

/** The cut of `last-block` as long as no model has been read, and for one without such a cut. */
export const LAST_STAGE_CUT = 'before-last-stage';
/** The cut of a trial whose network is trained from the image on. */
const NO_CUT = 'none';

const NETWORK_KEYS: ReadonlySet<string> = new Set(
  Object.keys({
    batchNorm: true,
    precision: true,
    clipNorm: true,
    augment: true,
    discriminative: true,
    atUnfreeze: true,
    denseDropout: true,
  } satisfies Record<keyof NetworkSpec, true>),
);

/** The only strategy of a radiomics source. */
export const REGRESSION = 'regression';
/** What has a say in a logistic regression on hand-made features. */
const REGRESSION_KEYS: ReadonlySet<string> = new Set([
  'dataset',
  'task',
  'source',
  'arch',
  'strategy',
  'n',
  'seed',
  'subset',
  'validation',
  'featureScaling',
  'regression',
] satisfies (keyof TrialSettings)[]);
/** What stands in the place of the settings that a regression does not have, so that trials have one shape. */
const NO_TRAINING = {
  cut: NO_CUT,
  featureDtype: 'float32',
  policy: { kind: 'constant' },
  lr: 0,
  dropout: 0,
  weightDecay: 0,
  optimizer: { kind: 'sgd', momentum: 0, nesterov: false },
  labelWeights: 'none',
  epochs: 0,
  batch: 0,
  select: 'loss',
} as const satisfies Partial<TrialSpec>;

/** Whether layers of the backbone are trained, not a head or a regression alone. */
export function trainsNetwork(strategy: Strategy): boolean {
  return strategy !== 'extractor' && strategy !== REGRESSION;
}

/** Whether training starts from a store of features, activations or hand-made ones, not from images. */
export function readsFeatures(strategy: Strategy): boolean {
  return strategy === 'extractor' || strategy === 'last-block' || strategy === REGRESSION;
}

/** Whether a setting has a say in the trials of a strategy; one that has none is not part of their specs. */
export function usesSetting(strategy: Strategy, key: string): boolean {
  if (strategy === REGRESSION) return REGRESSION_KEYS.has(key);
  if (key === 'regression') return false;
  if (key === 'cut' || key === 'featureScaling') return !trainsNetwork(strategy);
  if (key === 'featureDtype') return readsFeatures(strategy);
  if (key === 'atUnfreeze' && strategy === 'progressive') return false;
  return !NETWORK_KEYS.has(key) || trainsNetwork(strategy);
}

/** The spec of a trial: its settings without those that its strategy does not use. */
export function specOf(settings: TrialSettings): TrialSpec {
  const { batchNorm, precision, clipNorm, augment, discriminative, atUnfreeze, denseDropout, ...others } =
    settings;
  const { testViews, labelSmoothing, ema, earlyStopping, regression, ...rest } = others;
  if (rest.strategy === REGRESSION) return { ...rest, ...NO_TRAINING, regression };
  // What is left out is not part of a trial's identity.
  const common = {
    ...rest,
    ...(testViews === 'none' ? {} : { testViews }),
    ...(labelSmoothing === 0 ? {} : { labelSmoothing }),
    ...(ema === 0 ? {} : { ema }),
    ...(earlyStopping === 0 ? {} : { earlyStopping }),
  };
  if (!trainsNetwork(common.strategy)) return common;
  const network: NetworkSpec = {
    ...{ batchNorm, precision, clipNorm, augment, discriminative },
    // Each of its phases has the whole policy.
    atUnfreeze: common.strategy === 'progressive' ? 'restart' : atUnfreeze,
    ...(denseDropout === 0 ? {} : { denseDropout }),
  };
  const unscaled = { ...common, featureScaling: 'none', network } as const;
  return readsFeatures(common.strategy)
    ? { ...unscaled, cut: LAST_STAGE_CUT }
    : { ...unscaled, cut: NO_CUT, featureDtype: 'float32' };
}

/** A value of a spec by the name that its setting has in the config; undefined where the trial's strategy does not use it. */
export function settingOf(spec: TrialSpec, key: keyof TrialSettings): unknown {
  if (spec.strategy === REGRESSION && !usesSetting(REGRESSION, key)) return undefined;
  if (key === 'policy' && spec.policy.kind === 'one-cycle')
    return { anneal: 'cosine', threePhase: false, ...spec.policy };
  if (key === 'policy' && spec.policy.kind === 'plateau') return { against: 'lowest', ...spec.policy };
  if (key === 'testViews') return spec.testViews ?? 'none';
  if (key === 'labelSmoothing' || key === 'ema' || key === 'earlyStopping') return spec[key] ?? 0;
  if (key === 'denseDropout') return spec.network && (spec.network.denseDropout ?? 0);
  return NETWORK_KEYS.has(key) ? spec.network?.[key as keyof NetworkSpec] : spec[key as keyof TrialSpec];
}
