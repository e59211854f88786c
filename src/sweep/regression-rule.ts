import { isRadiomics, type SweepConfig } from './config.js';
import type { ConfigMistake, ConfigPath } from './config-text.js';

type Tree = Readonly<Record<string, unknown>>;

/** `regression` where no source has hand-made features: it would be written in vain. `value` is the config as it was written. */
export function regressionMistakes(
  { sources }: Pick<SweepConfig, 'sources'>,
  value: unknown,
): ConfigMistake[] {
  if (Object.values(sources).some(isRadiomics)) return [];
  const { training, grid, zip, exclude } = value as Tree;
  const places: (readonly [ConfigPath, unknown])[] = [
    [['training'], training],
    [['grid'], grid],
    ...entriesOf('zip', zip),
    ...entriesOf('exclude', exclude),
  ];
  return places.flatMap(([path, entry]) => {
    if ((entry as Tree | null | undefined)?.regression === undefined) return [];
    const message =
      'expected a source of hand-made features beside it, such as `radiomics: { radiomics: paper79 }`; no other is trained by regression.';
    return [{ path: [...path, 'regression'], message, at: 'key' }];
  });
}

function entriesOf(key: string, list: unknown): (readonly [ConfigPath, unknown])[] {
  return Array.isArray(list) ? list.map((entry, index) => [[key, index], entry] as const) : [];
}
