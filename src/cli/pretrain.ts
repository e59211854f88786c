import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { ThawError } from '../base/errors.js';
import { readPretrainConfig } from '../pretrain/config.js';
import { pretrain } from '../pretrain/pretrain.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

interface Arguments {
  readonly config: string;
  readonly set: readonly string[];
  readonly out: string | undefined;
  readonly cache: string | undefined;
  readonly models: string | undefined;
  readonly threads: number | undefined;
  readonly checkpointMinutes: number;
  readonly restart: boolean;
}

async function run(args: Arguments): Promise<void> {
  const place = (folder: string | undefined) => (folder === undefined ? undefined : fromUser(folder));
  const path = fromUser(args.config);
  const config = await readPretrainConfig(relative(process.cwd(), path) || path, {
    set: args.set,
    out: place(args.out),
    cache: place(args.cache),
    models: folders(args.models),
  });
  const progress = createProgress();
  try {
    const { files, card, history } = await pretrain(config, {
      threads: threadsOf(args.threads),
      checkpointSeconds: 60 * minutesOf(args.checkpointMinutes),
      restart: args.restart,
      progress,
      signal: stopOnSignals((message) => progress.note(message)),
    });
    const { validationAuroc: aurocs, bestEpoch = -1 } = history ?? {};
    progress.note(
      history === undefined
        ? `${card.name} was trained before; --restart trains it again`
        : `${card.name}: best after epoch ${bestEpoch + 1}, validation AUROC ${aurocs?.[bestEpoch]?.toFixed(4)}`,
    );
    if (card.trainedOn === undefined)
      progress.note(
        'the card does not say which images the weights have seen: name them as `imagesOf` of the data',
      );
    process.stdout.write(`${files.card}\n`);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write('stopped; run the same command again to go on\n');
    setStatus(INTERRUPTED);
  }
}

function threadsOf(value: number | undefined): number {
  const most = availableParallelism();
  if (value === undefined) return most;
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new ThawError('CONFIG', `expected a whole number of at least 1, received ${value}.`, {
    node: '--threads',
  });
}

function minutesOf(value: number): number {
  if (value > 0) return value;
  throw new ThawError('CONFIG', `expected a number above 0, received ${value}.`, {
    node: '--checkpoint-minutes',
  });
}

export const pretrainCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('config', {
        type: 'string',
        demandOption: true,
        describe: 'YAML file, see docs/pretraining.md',
      })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Change a value: --set training.lr=0.001',
      })
      .option('out', { type: 'string', describe: 'Folder of the model [default: models]' })
      .option('cache', { type: 'string', describe: 'Folder for images [default: .thaw/cache]' })
      .option('models', MODELS_OPTION)
      .option('threads', { type: 'number', describe: `Threads [default: ${availableParallelism()}]` })
      .option('checkpoint-minutes', {
        type: 'number',
        default: 10,
        describe: 'Between two checkpoints within an epoch; each epoch ends with one anyhow',
      })
      .option('restart', {
        type: 'boolean',
        default: false,
        describe: 'Begin anew: throws away the checkpoint, replaces a model of the same name',
      })
      .example('$0 pretrain presets/upstream/chexpert.yaml', 'CheXpert as Romero et al. had it')
      .example(
        '$0 pretrain mine.yaml --out models',
        'again after Ctrl-C or a crash: goes on where it stopped',
      ) as never,
  handler: run,
};
