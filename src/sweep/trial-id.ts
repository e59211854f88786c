import { canonicalJson, sha256 } from '../base/hash.js';
import type { TrialSpec } from '../train/trial.js';

/** The keys of a spec in the order of canonical JSON; the type makes a key that is missing here an error. */
const KEYS = Object.keys({
  arch: true,
  batch: true,
  cut: true,
  dataFingerprint: true,
  dataset: true,
  dropout: true,
  earlyStopping: true,
  ema: true,
  epochs: true,
  featureDtype: true,
  featureScaling: true,
  labelSmoothing: true,
  labelWeights: true,
  lr: true,
  n: true,
  network: true,
  optimizer: true,
  policy: true,
  regression: true,
  seed: true,
  select: true,
  source: true,
  sourceFingerprint: true,
  strategy: true,
  subset: true,
  task: true,
  taskFingerprint: true,
  testViews: true,
  validation: true,
  weightDecay: true,
} satisfies Record<keyof TrialSpec, true>).sort() as (keyof TrialSpec)[];

/**
 * A function that gives the same id as `trialId`, several times faster over the specs of one sweep: most of a spec is as in
 * the one before, so the canonical JSON of each key's last value is kept.
 */
export function trialIdentifier(): (spec: TrialSpec) => string {
  const last: unknown[] = KEYS.map(() => undefined);
  const json: string[] = KEYS.map(() => '');
  let fields: string[] = [];
  return (spec) => {
    let changed = false;
    for (let index = 0; index < KEYS.length; index++) {
      const key = KEYS[index]!;
      const value = spec[key];
      if (value === last[index]) continue;
      last[index] = value;
      json[index] = value === undefined ? '' : `"${key}":${canonicalJson(value)}`;
      changed = true;
    }
    if (changed) fields = json.filter((field) => field !== '');
    return sha256(`{${fields.join(',')}}`).slice(0, 32);
  };
}
