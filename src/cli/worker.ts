import type { CommandModule } from 'yargs';
import { runWorker } from '../execute/worker.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';

export const workerCommand: CommandModule<object, { shard: string }> = {
  command: 'worker <shard>',
  describe: 'Train the work units of a shard file (started by a sweep; by hand in batch jobs)',
  builder: (yargs) =>
    yargs.positional('shard', {
      type: 'string',
      demandOption: true,
      describe: 'Shard file written by a sweep',
    }) as never,
  handler: async ({ shard }) => setStatus(await runWorker(fromUser(shard))),
};
