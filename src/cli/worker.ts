import { runWorker } from '../execute/worker.js';
import type { CommandBody } from './lazy.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';

export const workerCommand: CommandBody<{ shard: string }> = {
  builder: (yargs) =>
    yargs.positional('shard', {
      type: 'string',
      demandOption: true,
      describe: 'Shard file written by a sweep',
    }) as never,
  handler: async ({ shard }) => setStatus(await runWorker(fromUser(shard))),
};
