import type { View } from '../features/view.js';
import type { TrialSpec } from './trial.js';

/** The views that a trial's evaluation averages logits over. */
export function viewsOf({ testViews }: Pick<TrialSpec, 'testViews'>): readonly View[] {
  if (testViews === undefined) return ['identity'];
  if (testViews === 'flip') return ['identity', 'hflip'];
  const { passes, augment, seed } = testViews;
  return Array.from({ length: passes }, (_, pass) => ({ augment, seed, pass }));
}

/** The views whose features a trial reads: training sees the images as they are. */
export function storedViews(spec: Pick<TrialSpec, 'testViews'>): readonly View[] {
  return ['identity', ...viewsOf(spec).filter((view) => view !== 'identity')];
}

/** Mean of logits of equal length. */
export function averaged(logits: readonly Float32Array[]): Float32Array {
  const [first, ...others] = logits;
  if (first === undefined || others.length === 0) return first ?? new Float32Array(0);
  return first.map((value, index) => {
    const sum = others.reduce((total, other) => total + (other[index] as number), value);
    return sum / logits.length;
  });
}
