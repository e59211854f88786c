import assert from 'node:assert/strict';
import { ThawError } from '../../src/base/errors.js';
import type { SweepConfig } from '../../src/sweep/config.js';
import { type ConfigOptions, parseConfig } from '../../src/sweep/read-config.js';

interface ConfigParts {
  readonly tasks?: string;
  /** Further lines under `sources:`. */
  readonly sources?: string;
}

/** A small valid config with `rest` (grid, zip, exclude, training …) appended. */
export function configText(rest: string, { tasks, sources }: ConfigParts = {}): string {
  return `data:
  nih: { kind: chestxray14, root: images }
  own: { kind: folder, root: own }
tasks: ${tasks ?? '{ findings: { kind: multilabel }, pneumonia: { kind: binary, positive: Pneumonia } }'}
sources:
  imagenet: { card: card.json }${sources === undefined ? '' : `\n${sources}`}
${rest}
`;
}

export function config(rest: string, parts: ConfigParts = {}): SweepConfig {
  return parseConfig(configText(rest, parts), { file: '/configs/test.yaml' });
}

/** The lines of the error that a config text is refused with. */
export function mistakes(text: string, options: ConfigOptions = {}): string[] {
  try {
    parseConfig(text, { file: 'sweep.yaml', ...options });
  } catch (error) {
    assert.ok(error instanceof ThawError, String(error));
    assert.equal(error.code, 'CONFIG');
    return error.message.split('\n');
  }
  throw new assert.AssertionError({ message: 'the config was accepted' });
}

/** The config of `configText` has 6 lines before `rest`. */
export const inRest = (rest: string, options: ConfigOptions = {}) => mistakes(configText(rest), options);
