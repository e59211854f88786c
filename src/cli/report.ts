import type { CommandModule } from 'yargs';
import { fromUser } from './paths.js';
import { publish } from './publish.js';

export const reportCommand: CommandModule<object, { dir: string }> = {
  command: 'report <dir>',
  describe: 'Write tables and report of a run folder anew from its ledger',
  builder: (yargs) =>
    yargs.positional('dir', {
      type: 'string',
      demandOption: true,
      describe: 'Run folder, e.g. runs/quickstart',
    }) as never,
  handler: async ({ dir }) => {
    const { report, trials } = await publish(fromUser(dir));
    process.stdout.write(`${report} (${trials} trials)\n`);
  },
};
