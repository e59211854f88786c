import type { SweepConfig } from '../../src/sweep/config.js';
import { parseConfig } from '../../src/sweep/read-config.js';

/** A small valid config with `rest` (grid, zip, exclude, training …) appended. */
export function configText(rest: string, { tasks }: { tasks?: string } = {}): string {
  return `data:
  nih: { kind: chestxray14, root: images }
  own: { kind: folder, root: own }
tasks: ${tasks ?? '{ findings: { kind: multilabel }, pneumonia: { kind: binary, positive: Pneumonia } }'}
sources:
  imagenet: { card: card.json }
${rest}
`;
}

export function config(rest: string, parts: { tasks?: string } = {}): SweepConfig {
  return parseConfig(configText(rest, parts), { file: '/configs/test.yaml' });
}
