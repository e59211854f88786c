import type { Argv, CommandModule } from 'yargs';
import { dataCheckCommand } from './data-check.js';
import { dataIngestCommand } from './data-ingest.js';

export const dataCommand: CommandModule<object, object> = {
  command: 'data',
  describe: 'Look at data sets, decode their images ahead',
  builder: (yargs: Argv) =>
    yargs
      .command(dataCheckCommand as never)
      .command(dataIngestCommand as never)
      .demandCommand(1, 'Name what to do: check or ingest'),
  handler: () => {},
};
