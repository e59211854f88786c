import { join } from 'node:path';
import type { SweepConfig } from '../../src/sweep/config.js';
import { parseConfig } from '../../src/sweep/read-config.js';

/** 120 small simulated radiographs; labels, one of them rare, and classes, at two sizes with two seeds. */
export function radiomicsConfig(folder: string, set: readonly string[] = []): SweepConfig {
  const text = `name: radiomics
out: run
cache: cache
data:
  drawn:
    kind: phantom-chest
    images: 120
    patients: 80
    size: 48
    prevalence: { Effusion: 0.4, Cardiomegaly: 0.4, Infiltration: 0.25 }
    image: { size: 48 }
    split: { kind: random, fractions: [0.5, 0.2, 0.3], seed: 1 }
tasks:
  findings: { kind: multilabel, labels: [Effusion, Cardiomegaly, Infiltration] }
  which: { kind: multiclass, classes: [Effusion, Cardiomegaly] }
sources:
  radiomics: { radiomics: paper79 }
training:
  regression: { strengths: [0.001, 0.01, 0.1, 1, 10], folds: 4 }
grid: { task: findings, n: [30, all], seed: 2 }
`;
  return parseConfig(text, { file: join(folder, 'radiomics.yaml'), set });
}

/** The parts that the golden numbers are of. */
export const GOLDEN_PARTS = {
  findings: [],
  balanced: ['training.regression.classWeights=balanced'],
  which: ['grid.task=which', 'grid.n=[16, all]'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
