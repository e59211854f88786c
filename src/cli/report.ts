import type { CommandBody } from './lazy.js';
import { fromUser } from './paths.js';
import { publish } from './publish.js';

export const reportCommand: CommandBody<{ dir: string }> = {
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
