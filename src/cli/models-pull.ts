import { relative, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { suggestionOrList } from '../base/nearest.js';
import { catalogue, readCatalogue } from '../model/registry/catalogue.js';
import { pullModel } from '../model/registry/pull.js';
import type { CommandBody } from './lazy.js';
import { MODELS_OPTION, ownFolder } from './models-folders.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

interface Arguments {
  readonly names: readonly string[];
  readonly models: string | undefined;
  readonly catalogue: string | undefined;
  readonly force: boolean;
}

async function pull(args: Arguments): Promise<void> {
  const known = args.catalogue === undefined ? catalogue : await readCatalogue(fromUser(args.catalogue));
  const entries = args.names.map((name) => {
    const entry = known.find(({ card }) => card.name === name);
    if (entry !== undefined) return entry;
    const names = known.map(({ card }) => card.name);
    throw new ThawError('CONFIG', `there is no published model '${name}' in the catalogue.`, {
      hint: `${suggestionOrList(name, names)} \`thaw models list\` shows all; \`thaw models import\` takes any file.`,
    });
  });
  const folder = ownFolder(args.models);
  const progress = createProgress();
  const signal = stopOnSignals((message) => progress.note(message));
  try {
    for (const entry of entries) {
      const options = { environment: process.env, progress, signal, replace: args.force };
      const { how, card, file, model } = await pullModel(entry, folder, options);
      for (const note of model.notes) progress.note(`${card.name}: ${note}`);
      progress.note(
        `${card.name}: ${WORDS[how]}; SHA-256 ${card.sha256}; licence: ${card.license ?? 'not known'}`,
      );
      process.stdout.write(
        `${relative(process.cwd(), file).startsWith('..') ? file : relative(process.cwd(), resolve(file))}\n`,
      );
    }
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
  }
}

const WORDS = {
  present: 'was there and is whole',
  placed: 'the file that was put in place is registered',
  downloaded: 'downloaded and registered',
} as const;

export const modelsPull: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('names', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'As `thaw models list` shows them',
      })
      .option('models', MODELS_OPTION)
      .option('catalogue', {
        type: 'string',
        describe: "JSON file with models of one's own, see docs/models.md",
      })
      .option('force', { type: 'boolean', default: false, describe: 'Fetch again and replace what is there' })
      .example(
        '$0 models pull densenet121-imagenet resnet50-imagenet',
        'then { model: densenet121-imagenet } in a config',
      )
      .epilogue(
        'HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured; HF_TOKEN is sent to huggingface.co.\nA download that was stopped goes on where it was.',
      ) as never,
  handler: pull,
};
