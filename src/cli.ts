import { commandsOf, type Listed } from './cli/lazy.js';

/** A mistake in the arguments. */
class UsageError extends Error {}

const commands: readonly Listed[] = [
  {
    command: 'sweep [config]',
    describe:
      'Run the trials of a config and write tables and report (without a config: the embedded example)',
    load: async () => (await import('./cli/sweep.js')).sweepCommand,
  },
  {
    command: 'pretrain <config>',
    describe: 'Train a source of your own and write it as ONNX with its model card',
    load: async () => (await import('./cli/pretrain.js')).pretrainCommand,
  },
  {
    command: 'lr-find <config>',
    describe: 'Range test of the learning rate for trials of a config: suggestions and a curve',
    load: async () => (await import('./cli/lr-find.js')).lrFindCommand,
  },
  {
    command: 'status <dir>',
    describe: 'Show how far a run is',
    load: async () => (await import('./cli/status.js')).statusCommand,
  },
  {
    command: 'report <dir>',
    describe: 'Write tables and report of a run folder anew from its ledger',
    load: async () => (await import('./cli/report.js')).reportCommand,
  },
  {
    command: 'data',
    describe: 'Look at data sets, decode their images ahead',
    load: async (rest) => (await import('./cli/data.js')).data(rest),
  },
  {
    command: 'models',
    describe: 'Pull, import, look at, verify, remove and export models',
    load: async (rest) => (await import('./cli/models.js')).models(rest),
  },
  {
    command: 'predict <model> <images..>',
    describe: 'Write a table of probabilities for image files, and heat maps',
    load: async () => (await import('./cli/predict.js')).predictCommand,
  },
  {
    command: 'radiomics [images..]',
    describe: 'Write a table of radiomics features of images, volumes or a data set',
    load: async () => (await import('./cli/radiomics.js')).radiomicsCommand,
  },
  {
    command: 'doctor',
    describe: 'Check versions, addon, execution providers, threads and disk space of this machine',
    load: async () => (await import('./cli/doctor.js')).doctorCommand,
  },
  {
    command: 'worker <shard>',
    describe: 'Train the work units of a shard file (started by a sweep; by hand in batch jobs)',
    load: async () => (await import('./cli/worker.js')).workerCommand,
  },
];

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
  const listed = await commandsOf(commands, args);
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
      // yargs reports a mistake in the arguments by message or by an error of its own (an option without its value), a
      // command's rejection by error; only throwing ends it.
      throw error?.name === 'YError' ? new UsageError(error.message) : (error ?? new UsageError(message));
    });
  for (const command of listed) parser.command(command);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof UsageError)) return reportFailure(error);
    process.stderr.write(`${await parser.getHelp()}\n\n${error.message}\n`);
    setStatus(2);
  }
}
