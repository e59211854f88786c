import type { SweepConfig } from './config.js';
import type { ConfigMistake, ConfigPath } from './config-text.js';
import { expandTrials, strategiesOf } from './expand.js';
import type { ConfigValue } from './schema.js';

/**
 * `last-block` is trained from activations that are stored once an image, so its images cannot be augmented: a trial that
 * asks for both is a mistake, at the place that the augmentation comes from.
 */
export function augmentMistakes(config: SweepConfig, value: ConfigValue): ConfigMistake[] {
  if (!strategiesOf(config).has('last-block') || !isAugmented(config)) return [];
  for (const { strategy, network } of expandTrials(config)) {
    if (strategy !== 'last-block' || network?.augment === 'none') continue;
    const message =
      'expected `none` for the strategy `last-block`, which is trained from stored activations, received an augmentation. ' +
      'Vary both together: `zip: [{ strategy: [last-block, full], augment: [none, { flip: 0.5 }] }]`.';
    return [{ path: placeOf(value), message }];
  }
  return [];
}

function isAugmented({ training, axes }: SweepConfig): boolean {
  const varied = axes.flatMap(({ points }) => points.flatMap(({ augment }) => augment ?? []));
  return [training.augment, ...varied].some((augment) => augment !== 'none');
}

function placeOf({ grid, zip }: ConfigValue): ConfigPath {
  if (grid.augment !== undefined) return ['grid', 'augment'];
  const entry = zip.findIndex(({ augment }) => augment !== undefined);
  return entry < 0 ? ['training', 'augment'] : ['zip', entry, 'augment'];
}
