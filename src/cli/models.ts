import type { Argv, CommandModule } from 'yargs';
import { describeModel } from '../model/describe.js';
import { modelsExportCommand } from './models-export.js';
import { fromUser } from './paths.js';

const inspect: CommandModule<object, { file: string }> = {
  command: 'inspect <file>',
  describe: 'Show inputs, operators, parameters, stages and cuts of a model file or model card',
  builder: (yargs) =>
    yargs.positional('file', {
      type: 'string',
      demandOption: true,
      describe: 'An .onnx, a weight file (.safetensors, .pth) or a model card .json',
    }) as never,
  handler: async ({ file }) => {
    process.stdout.write(`${JSON.stringify(await describeModel(fromUser(file)), null, 2)}\n`);
  },
};

export const modelsCommand: CommandModule<object, object> = {
  command: 'models',
  describe: 'Look at model files',
  builder: (yargs: Argv) =>
    yargs.command(inspect).command(modelsExportCommand).demandCommand(1, 'Name what to do: inspect, export'),
  handler: () => {},
};
