import { ThawError } from '../base/errors.js';
import { fromConfig, type InputOptions } from './radiomics-config.js';
import { fromImages, fromTable, type RadiomicsInputs, TABLE } from './radiomics-files.js';
import type { ResolvedSettings } from './radiomics-settings.js';

/** The cases that the arguments name: images, tables of images and masks, or a config. Throws CONFIG, DATA, IO. */
export async function openInputs(
  paths: readonly string[],
  settings: ResolvedSettings,
  options: InputOptions,
): Promise<RadiomicsInputs> {
  const config = paths.find((path) => /\.ya?ml$/i.test(path));
  const table = paths.find((path) => TABLE.test(path));
  const single = config ?? table;
  if (single !== undefined && paths.length > 1)
    throw new ThawError('CONFIG', `'${single}' stands for all images by itself.`, {
      node: 'images',
      hint: 'Name it alone, or images and folders.',
    });
  if (config !== undefined) return fromConfig(config, settings, options);
  if (options.data !== undefined || options.original)
    throw new ThawError('CONFIG', 'is about the data of a config, and none is named.', {
      node: options.data === undefined ? '--original' : '--data',
    });
  return table === undefined ? fromImages(paths, settings) : fromTable(table, settings);
}
