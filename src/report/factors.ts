import { canonicalJson } from '../base/hash.js';
import { settingOf, type TrialSettings, usesSetting } from '../sweep/strategy.js';
import type { AugmentSpec, TestViews, TrialSpec } from '../train/trial.js';

/** A setting that takes more than one value in the sweep. */
export interface Factor {
  readonly key: keyof TrialSettings;
  readonly title: string;
  /** Names of its values in the order in which they are drawn and listed. */
  readonly levels: readonly string[];
}

/** Column titles of everything that may vary besides data set, task, size and seed, in reading order. */
const TITLES: ReadonlyMap<keyof TrialSettings, string> = new Map([
  ['source', 'Source'],
  ['arch', 'Architecture'],
  ['strategy', 'Strategy'],
  ['cut', 'Cut'],
  ['policy', 'LR policy'],
  ['lr', 'Learning rate'],
  ['dropout', 'Dropout'],
  ['denseDropout', 'Dropout in dense blocks'],
  ['weightDecay', 'Weight decay'],
  ['optimizer', 'Optimiser'],
  ['labelWeights', 'Label weights'],
  ['labelSmoothing', 'Label smoothing'],
  ['ema', 'Moving average of weights'],
  ['featureScaling', 'Feature scaling'],
  ['epochs', 'Epochs'],
  ['batch', 'Batch size'],
  ['subset', 'Subset'],
  ['validation', 'Validation set'],
  ['select', 'Epoch chosen by'],
  ['earlyStopping', 'Early stopping'],
  ['featureDtype', 'Feature precision'],
  ['batchNorm', 'Batch norm'],
  ['precision', 'Precision'],
  ['clipNorm', 'Gradient norm clipped at'],
  ['discriminative', 'Learning rates by stage'],
  ['atUnfreeze', 'Policy at unfreezing'],
  ['augment', 'Augmentation'],
  ['testViews', 'Test views'],
  ['regression', 'Regression'],
]);

/** Name of the level of trials whose strategy does not use a setting. */
export const UNUSED = '–';

interface VaryingFactor extends Factor {
  /** [specs] index of each spec's level. */
  readonly indices: readonly number[];
}

/**
 * The factors that vary over `specs`, and for every spec the index of its level of each factor. A factor that says the same
 * as an earlier one (each source with its own architecture) is left out.
 */
export function findFactors(specs: readonly TrialSpec[]): {
  readonly factors: readonly Factor[];
  /** [specs][factors] */
  readonly levelsOf: readonly (readonly number[])[];
} {
  const varying: VaryingFactor[] = [];
  for (const [key, title] of TITLES) {
    const factor = levelsOfKey(specs, key, title);
    if (
      factor.levels.filter((level) => level !== UNUSED).length > 1 &&
      !varying.some((earlier) => saysTheSame(earlier, factor))
    )
      varying.push(factor);
  }
  return {
    factors: varying.map(({ key, title, levels }) => ({ key, title, levels })),
    levelsOf: specs.map((_, row) => varying.map(({ indices }) => indices[row]!)),
  };
}

function levelsOfKey(specs: readonly TrialSpec[], key: keyof TrialSettings, title: string): VaryingFactor {
  const values = new Map<string, unknown>();
  const identities = specs.map((spec) => {
    const value = usesSetting(spec.strategy, key) ? settingOf(spec, key) : undefined;
    const identity = typeof value === 'object' ? canonicalJson(value) : String(value);
    if (!values.has(identity)) values.set(identity, value);
    return identity;
  });
  const entries = [...values];
  const place = (value: unknown) =>
    typeof value === 'number' ? value : value === 'auto' ? Number.MAX_VALUE : Number.POSITIVE_INFINITY;
  if (entries.every(([, value]) => typeof value === 'number' || value === 'auto' || value === undefined))
    entries.sort(([, a], [, b]) => place(a) - place(b) || 0);
  const position = new Map(entries.map(([identity], index) => [identity, index]));
  return {
    key,
    title,
    levels: levelNames(entries.map(([, value]) => value)),
    indices: identities.map((identity) => position.get(identity)!),
  };
}

function saysTheSame(a: VaryingFactor, b: VaryingFactor): boolean {
  if (a.levels.length !== b.levels.length) return false;
  const partner = new Map<number, number>();
  return a.indices.every((level, row) => {
    const known = partner.get(level);
    if (known === undefined) partner.set(level, b.indices[row]!);
    return known === undefined || known === b.indices[row];
  });
}

type Variant = Readonly<Record<string, unknown>> & { readonly kind: string };

function levelNames(values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (value === undefined) return UNUSED;
    if (Array.isArray(value)) return value.map((part) => Number(part.toPrecision(3))).join(', ');
    if (typeof value !== 'object' || value === null) return String(value);
    if ('kind' in value) return variantName(value as Variant, variantsOf(values, 'kind'));
    if ('penalty' in value)
      return variantName(variantsOf([value], 'penalty')[0]!, variantsOf(values, 'penalty'));
    if ('passes' in value) {
      const { passes, augment } = value as Exclude<TestViews, string>;
      return `${passes} passes of ${augmentName(augment)}`;
    }
    if (!('unit' in value)) return augmentName(value as AugmentSpec);
    const { unit, stratify } = value as TrialSpec['subset'];
    return `${unit}, ${stratify ? 'stratified' : 'not stratified'}`;
  });
}

/** Settings that have variants, the word for each as its kind; trials that do not use the setting have none. */
function variantsOf(values: readonly unknown[], word: string): Variant[] {
  return values.flatMap((value) => {
    if (value === undefined) return [];
    const { [word]: kind, ...rest } = value as Readonly<Record<string, unknown>>;
    return [{ ...rest, kind: String(kind) }];
  });
}

/** What is done to the images, without the steps that are left out. */
function augmentName(augment: AugmentSpec): string {
  const done = Object.entries(augment).filter(([, value]) => value !== 0 && value !== 'none');
  return done.map(([key, value]) => `${key} ${value}`).join(', ');
}

/** The kind alone where it is unique, else with those settings in which variants of that kind differ. */
function variantName(variant: Variant, all: readonly Variant[]): string {
  const siblings = all.filter(({ kind }) => kind === variant.kind);
  const settings = Object.keys(variant).filter(
    (key) => new Set(siblings.map((sibling) => JSON.stringify(sibling[key]))).size > 1,
  );
  if (settings.length === 0) return variant.kind;
  const words = settings.map((key) => `${key} ${settingText(variant[key])}`);
  return `${variant.kind} (${words.join(', ')})`;
}

function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.join('/');
  return typeof value === 'object' && value !== null ? Object.values(value).join('–') : String(value);
}
