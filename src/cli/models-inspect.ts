import { describeModel } from '../model/describe.js';
import type { CommandBody } from './lazy.js';
import { MODELS_OPTION, modelFile } from './models-folders.js';

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
    const description = await describeModel(await modelFile(model, models));
    process.stdout.write(`${JSON.stringify(description, null, 2)}\n`);
  },
};
