import type { Argv, CommandModule } from 'yargs';
import { dataCheckCommand } from './data-check.js';

export const dataCommand: CommandModule<object, object> = {
  command: 'data',
  describe: 'Look at data sets',
  builder: (yargs: Argv) =>
    yargs.command(dataCheckCommand as never).demandCommand(1, 'Name what to do: check'),
  handler: () => {},
};
