#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { CommandModule } from 'yargs';

// libuv reads this once, at its first use: decoding runs on this pool, one image a thread.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, 2 * availableParallelism()));

/** Runs the command line; the exit status is `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  const { default: yargs } = await import('yargs');
  const { thawVersion } = await import('./execute/versions.js');
  const { reportFailure, setStatus } = await import('./cli/outcome.js');
  const commands: readonly CommandModule<object, never>[] = [
    (await import('./cli/sweep.js')).sweepCommand,
    (await import('./cli/status.js')).statusCommand,
    (await import('./cli/report.js')).reportCommand,
    (await import('./cli/data.js')).dataCommand,
    (await import('./cli/models.js')).modelsCommand,
    (await import('./cli/doctor.js')).doctorCommand,
    (await import('./cli/worker.js')).workerCommand,
  ] as never;
  const parser = yargs([...args])
    .scriptName('thaw')
    .usage('$0 <command>\n\nTransfer-learning experiment grids for small medical imaging datasets.')
    .version(thawVersion())
    .strict()
    .recommendCommands()
    .demandCommand(1, 'Name a command; `thaw sweep` without a config runs the embedded example.')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message, error, instance) => {
      // yargs reports a mistake in the arguments by message, a command's rejection by error.
      if (error === undefined || error === null) {
        process.stderr.write(`${instance.help()}\n\n${message}\n`);
        setStatus(2);
      } else {
        reportFailure(error);
      }
    });
  for (const command of commands) parser.command(command);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (process.exitCode === undefined) reportFailure(error);
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2));
}
