import type { CommandModule } from 'yargs';

/** A mistake in the arguments. */
class UsageError extends Error {}

/** Runs the command line; the exit status is `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`thaw … | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  const { default: yargs } = await import('yargs');
  const { thawVersion } = await import('./execute/versions.js');
  const { reportFailure, setStatus } = await import('./cli/outcome.js');
  const commands: readonly CommandModule<object, never>[] = [
    (await import('./cli/sweep.js')).sweepCommand,
    (await import('./cli/pretrain.js')).pretrainCommand,
    (await import('./cli/lr-find.js')).lrFindCommand,
    (await import('./cli/status.js')).statusCommand,
    (await import('./cli/report.js')).reportCommand,
    (await import('./cli/data.js')).dataCommand,
    (await import('./cli/models.js')).modelsCommand,
    (await import('./cli/predict.js')).predictCommand,
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
    .fail((message, error) => {
      // yargs reports a mistake in the arguments by message, a command's rejection by error; only throwing ends it.
      throw error ?? new UsageError(message);
    });
  for (const command of commands) parser.command(command);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof UsageError)) return reportFailure(error);
    process.stderr.write(`${await parser.getHelp()}\n\n${error.message}\n`);
    setStatus(2);
  }
}
