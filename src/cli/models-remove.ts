import { removeModel } from '../model/registry/register.js';
import type { CommandBody } from './lazy.js';
import { MODELS_OPTION, ownFolder } from './models-folders.js';

interface Arguments {
  readonly names: readonly string[];
  readonly models: string | undefined;
}

export const modelsRemove: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('names', { type: 'string', array: true, demandOption: true, describe: 'Registered models' })
      .option('models', MODELS_OPTION) as never,
  handler: async ({ names, models }) => {
    const folder = ownFolder(models);
    for (const name of names) {
      const removed = await removeModel(name, folder);
      process.stdout.write(`${name}: removed ${removed.join(', ')} from ${folder}\n`);
    }
  },
};
