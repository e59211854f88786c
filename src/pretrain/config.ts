import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { ioError } from '../base/files.js';
import { validationShare } from '../data/split.js';
import { registeredModels, searchFolders } from '../model/registry/folders.js';
import type { SweepConfig } from '../sweep/config.js';
import { type ConfigMistake, ConfigText } from '../sweep/config-text.js';
import { dataConfig } from '../sweep/data-schema.js';
import { expandTrials } from '../sweep/expand.js';
import { mistakesOf } from '../sweep/read-config.js';
import { modelMistake } from '../sweep/registered-models.js';
import { type RegisteredModels, sourceConfig } from '../sweep/source-schema.js';
import { type TrainingSpec, trainingSchema } from '../sweep/trial-schema.js';
import type { TrialSpec } from '../train/trial.js';
import { type OutputValue, type PretrainValue, pretrainSchema } from './schema.js';

/** A pretraining with all defaults filled in and paths absolute. */
export interface PretrainConfig {
  /** Of the model that comes out, and of its files. */
  readonly name: string;
  /** Absolute path of the config file. */
  readonly file: string;
  /** Folder of the model's files, absolute. */
  readonly out: string;
  /** The training as a sweep of one trial. */
  readonly sweep: SweepConfig;
  readonly output: OutputValue;
}

export interface PretrainConfigOptions {
  /** `path=value` changes, applied in order before the check. */
  readonly set?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Take the place of the config's `out` and `cache`; relative to the current folder. */
  readonly out?: string | undefined;
  readonly cache?: string | undefined;
  /** The models that the source may name. */
  readonly registered?: RegisteredModels | undefined;
}

export interface PretrainFileOptions extends Omit<PretrainConfigOptions, 'registered'> {
  /** Folders of registered models, as for `readConfig`. */
  readonly models?: readonly string[] | undefined;
}

/** Reads and checks a config of `thaw pretrain`. All mistakes are reported at once, in one ThawError CONFIG. */
export async function readPretrainConfig(
  path: string,
  options: PretrainFileOptions = {},
): Promise<PretrainConfig> {
  const { models = searchFolders({ environment: process.env, here: process.cwd() }), ...rest } = options;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  const registered = await registeredModels(models);
  return parsePretrainConfig(text, { environment: process.env, registered, ...rest, file: path });
}

/** Checks the text of a config; `file` is what messages call it, relative paths in it are taken from its folder. */
export function parsePretrainConfig(
  text: string,
  options: PretrainConfigOptions & { readonly file: string },
): PretrainConfig {
  const { file, set = [], environment = {}, registered = new Map() } = options;
  const source = new ConfigText(text, file);
  for (const assignment of set) source.set(assignment);
  source.interpolate(environment);
  const written = source.value();
  const parsed = pretrainSchema.safeParse(written);
  const start = (written as { source?: unknown } | null)?.source;
  source.refuse([
    ...(parsed.error?.issues ?? []).flatMap(mistakesOf),
    ...modelMistake(start, ['source'], registered),
  ]);
  const value = parsed.data!;
  source.refuse([...augmentMistakes(value), ...splitMistakes(value)]);
  return resolveConfig(value, resolve(file), { ...options, registered });
}

/** The one trial of a pretraining; fingerprints are empty. */
export function trialOf({ sweep }: PretrainConfig): TrialSpec {
  const [spec] = expandTrials(sweep);
  return spec!;
}

function augmentMistakes({ training }: PretrainValue): ConfigMistake[] {
  if (training.strategy !== 'last-block' || training.augment === 'none') return [];
  const message =
    'expected `none` for the strategy `last-block`, which is trained from stored activations, received an augmentation.';
  return [{ path: ['training', 'augment'], message }];
}

/** Epochs are chosen on validation images; a table or folders may name them themselves. */
function splitMistakes({ data: { split } }: PretrainValue): ConfigMistake[] {
  if (split.kind === 'given' || validationShare(split) > 0) return [];
  return [{ path: ['data', 'split'], message: 'expected a share for validation above 0, received 0.' }];
}

function resolveConfig(
  value: PretrainValue,
  file: string,
  options: PretrainConfigOptions & { readonly registered: RegisteredModels },
): PretrainConfig {
  const folder = dirname(file);
  const { name = basename(file, extname(file)), training, seed, output } = value;
  const { strategy, n, ...given } = training;
  const pathOf = (option: string | undefined, written: string | undefined, preset: string) =>
    resolve(option ?? (written === undefined ? preset : resolve(folder, written)));
  const out = pathOf(options.out, value.out, 'models');
  const [dataset, task, source] = [value.data.kind, 'task', 'start'];
  const settings: TrainingSpec = { ...trainingSchema.parse({}), ...given };
  const sweep: SweepConfig = {
    name,
    file,
    out,
    cache: pathOf(options.cache, value.cache, '.thaw/cache'),
    device: 'auto',
    extractor: 'auto',
    data: { [dataset]: dataConfig(value.data, folder) },
    tasks: { [task]: { rule: value.task } },
    sources: { [source]: sourceConfig(value.source, source, folder, options.registered) },
    training: settings,
    axes: [
      {
        keys: ['dataset', 'task', 'source', 'strategy', 'n', 'seed'],
        points: [{ dataset, task, source, strategy, n, seed }],
      },
    ],
    exclude: [],
  };
  return { name, file, out, sweep, output };
}
