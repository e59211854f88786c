import type { NetworkSpec, Strategy, TestViews, TrialSpec } from '../train/trial.js';

/** The settings of a trial side by side, as the config has them, whether or not its strategy uses them. */
export type TrialSettings = Omit<TrialSpec, 'network' | 'testViews' | 'labelSmoothing' | 'earlyStopping'> &
  NetworkSpec & {
    readonly testViews: TestViews;
    /** 0 = none, never. */
    readonly labelSmoothing: number;
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
  } satisfies Record<keyof NetworkSpec, true>),
);

/** Whether layers of the backbone are trained, not a head alone. */
export function trainsNetwork(strategy: Strategy): boolean {
  return strategy !== 'extractor';
}

/** Whether training starts from activations in a feature store, not from images. */
export function readsFeatures(strategy: Strategy): boolean {
  return strategy === 'extractor' || strategy === 'last-block';
}

/** Whether a setting has a say in the trials of a strategy; one that has none is not part of their specs. */
export function usesSetting(strategy: Strategy, key: string): boolean {
  if (key === 'cut' || key === 'featureScaling') return !trainsNetwork(strategy);
  if (key === 'featureDtype') return readsFeatures(strategy);
  if (key === 'atUnfreeze' && strategy === 'progressive') return false;
  return !NETWORK_KEYS.has(key) || trainsNetwork(strategy);
}

/** The spec of a trial: its settings without those that its strategy does not use. */
export function specOf(settings: TrialSettings): TrialSpec {
  const { batchNorm, precision, clipNorm, augment, discriminative, atUnfreeze, ...others } = settings;
  const { testViews, labelSmoothing, earlyStopping, ...rest } = others;
  // What is left out is not part of a trial's identity.
  const common = {
    ...rest,
    ...(testViews === 'none' ? {} : { testViews }),
    ...(labelSmoothing === 0 ? {} : { labelSmoothing }),
    ...(earlyStopping === 0 ? {} : { earlyStopping }),
  };
  if (!trainsNetwork(common.strategy)) return common;
  const network: NetworkSpec = {
    ...{ batchNorm, precision, clipNorm, augment, discriminative },
    // Each of its phases has the whole policy.
    atUnfreeze: common.strategy === 'progressive' ? 'restart' : atUnfreeze,
  };
  const unscaled = { ...common, featureScaling: 'none', network } as const;
  return readsFeatures(common.strategy)
    ? { ...unscaled, cut: LAST_STAGE_CUT }
    : { ...unscaled, cut: NO_CUT, featureDtype: 'float32' };
}

/** A value of a spec by the name that its setting has in the config; undefined where the trial's strategy does not use it. */
export function settingOf(spec: TrialSpec, key: keyof TrialSettings): unknown {
  if (key === 'policy' && spec.policy.kind === 'one-cycle')
    return { anneal: 'cosine', threePhase: false, ...spec.policy };
  if (key === 'policy' && spec.policy.kind === 'plateau') return { against: 'lowest', ...spec.policy };
  if (key === 'testViews') return spec.testViews ?? 'none';
  if (key === 'labelSmoothing' || key === 'earlyStopping') return spec[key] ?? 0;
  return NETWORK_KEYS.has(key) ? spec.network?.[key as keyof NetworkSpec] : spec[key as keyof TrialSpec];
}
