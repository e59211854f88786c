import type { TrialSpec } from '../train/trial.js';
import { levelText } from './experiment.js';
import { findFactors } from './factors.js';

/** What tells trials apart, in one line each; for a single one what it is. */
export function trialNames(specs: readonly TrialSpec[]): string[] {
  const varies = (value: (spec: TrialSpec) => unknown) => new Set(specs.map(value)).size > 1;
  const { factors, levelsOf } = findFactors(specs);
  const shown = (spec: TrialSpec, row: number): string[] => [
    ...(varies(({ dataset }) => dataset) ? [spec.dataset] : []),
    ...(varies(({ task }) => task) ? [spec.task] : []),
    ...factors.flatMap((factor, index) =>
      factor.key === 'lr' || factor.key === 'policy' ? [] : [levelText(factor, levelsOf[row]![index]!)],
    ),
    ...(varies(({ n }) => n) ? [`N = ${spec.n}`] : []),
    ...(varies(({ seed }) => seed) ? [`seed ${spec.seed}`] : []),
  ];
  return specs.map((spec, row) => {
    const own = shown(spec, row);
    if (own.length > 0) return own.join(' · ');
    return `${spec.dataset} · ${spec.task} · ${spec.source} · ${spec.strategy} · N = ${spec.n} · seed ${spec.seed}`;
  });
}
