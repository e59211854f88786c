import type { PeakMemory } from '../base/peak-memory.js';
import type { FeatureStore } from '../features/store.js';
import type { RadiomicsStoreIndex } from '../radiomics/store.js';
import type { TrialResult } from './trial.js';
import type { ReadyTrial, TrialInputs } from './trial-rows.js';

/** What training and evaluating one trial took and gave. */
export interface TrainingFacts {
  readonly curves: TrialResult['curves'];
  readonly bestEpoch: number;
  /** Thread-seconds. */
  readonly trainSeconds: number;
  readonly evaluateSeconds: number;
  readonly testImages: number;
  readonly device: string;
  /** Of what `peakOf` says. */
  readonly peak: Pick<PeakMemory, 'mebibytes' | 'isOwn'>;
  readonly peakOf: 'trial' | 'unit';
  /** What extracting the features took, where they are no feature store's. */
  readonly extraction?: Pick<RadiomicsStoreIndex, 'extractSeconds' | 'imagesPerSecond'>;
  /** Samples that training has seen; default: the subset in each epoch. */
  readonly samples?: number;
  readonly shared?: TrialResult['shared'];
  readonly phases?: TrialResult['phases'];
}

/** What is recorded of a trained trial beside its metrics. */
export function trialRecord(
  { images, features }: TrialInputs & { readonly features?: FeatureStore | undefined },
  { subset, validationRows, spec, found }: ReadyTrial,
  facts: TrainingFacts,
): Omit<TrialResult, 'predictions' | 'validation' | 'test'> {
  const { curves, bestEpoch, trainSeconds, evaluateSeconds, testImages, device, peak, peakOf } = facts;
  const { shared, phases } = facts;
  const { extraction = features?.index, samples = spec.epochs * subset.rows.length } = facts;
  const share = (subset.images + validationRows.length + testImages) / Math.max(images.index.rows, 1);
  return {
    trainImages: subset.images,
    trainPatients: subset.patients,
    curves,
    bestEpoch,
    ...(shared === undefined ? {} : { shared }),
    ...(phases === undefined ? {} : { phases }),
    ...(found === undefined ? {} : { foundRate: { lr: found.lr, steps: found.steps } }),
    timing: {
      decode: images.index.decodeSeconds * share,
      extract: (extraction?.extractSeconds ?? 0) * share,
      train: trainSeconds,
      evaluate: evaluateSeconds,
    },
    extractImagesPerSecond: extraction?.imagesPerSecond ?? null,
    trainImagesPerSecond: trainSeconds > 0 ? samples / trainSeconds : 0,
    peakMemoryMb: peak.mebibytes,
    peakMemoryOf: peak.isOwn ? peakOf : 'process',
    device,
  };
}

/** Numbers as a record holds them: null for what is none. */
export function recordedCurve(values: readonly number[]): (number | null)[] {
  return values.map((value) => (Number.isFinite(value) ? value : null));
}
