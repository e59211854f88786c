import { existsSync } from 'node:fs';
import { describeModel } from '../model/describe.js';
import { registeredModels } from '../model/registry/folders.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';
import { fromUser } from './paths.js';

interface Arguments {
  readonly model: string;
  readonly models: string | undefined;
}

export const modelsInspect: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'An .onnx, a weight file, a model card .json, or the name of a registered model',
      })
      .option('models', MODELS_OPTION) as never,
  handler: async ({ model, models }) => {
    const path = fromUser(model);
    const registered = existsSync(path) ? undefined : (await registeredModels(folders(models))).get(model);
    process.stdout.write(`${JSON.stringify(await describeModel(registered ?? path), null, 2)}\n`);
  },
};
