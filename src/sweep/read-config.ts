import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import type { z } from 'zod';
import { ioError } from '../base/files.js';
import { registeredModels, searchFolders } from '../model/registry/folders.js';
import { augmentMistakes } from './augment-rule.js';
import { claimMistakes } from './claim-filters.js';
import type { Axis, SweepConfig } from './config.js';
import { type ConfigMistake, ConfigText } from './config-text.js';
import { dataConfig } from './data-schema.js';
import { expandTrials } from './expand.js';
import { referenceMistakes } from './references.js';
import { modelMistakes } from './registered-models.js';
import { regressionMistakes } from './regression-rule.js';
import { type ConfigValue, configSchema } from './schema.js';
import { unknownKey } from './schema-words.js';
import { type RegisteredModels, sourceConfig } from './source-schema.js';
import { AXIS_KEYS, type AxisKey } from './trial-schema.js';
import { validationMistakes } from './validation-rule.js';

export interface ConfigOptions {
  /** `path=value` changes, applied in order before the check. */
  readonly set?: readonly string[];
  /** Variables for `${NAME}` in values. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Take the place of the config's `out` and `cache`; relative to the current folder. */
  readonly out?: string | undefined;
  readonly cache?: string | undefined;
  /** The models that sources may name. */
  readonly registered?: RegisteredModels | undefined;
}

export interface ConfigFileOptions extends Omit<ConfigOptions, 'registered'> {
  /** Folders of registered models, the first that has a name wins; by default those of `searchFolders`. */
  readonly models?: readonly string[] | undefined;
}

/** Reads and checks a config file. All mistakes are reported at once, in one ThawError CONFIG. */
export async function readConfig(path: string, options: ConfigFileOptions = {}): Promise<SweepConfig> {
  const { models = searchFolders({ environment: process.env, here: process.cwd() }), ...rest } = options;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
  const registered = await registeredModels(models);
  return parseConfig(text, { environment: process.env, registered, ...rest, file: path });
}

/**
 * Checks the text of a config. `file` is what messages call it; relative paths in it are taken from `folder`, which is
 * the file's own where it is not given.
 */
export function parseConfig(
  text: string,
  options: ConfigOptions & { readonly file: string; readonly folder?: string },
): SweepConfig {
  const { file, folder = dirname(file), set = [], environment = {}, registered = new Map() } = options;
  const source = new ConfigText(text, file);
  for (const assignment of set) source.set(assignment);
  source.interpolate(environment);
  const value = source.value();
  const parsed = configSchema.safeParse(value);
  source.refuse([
    ...(parsed.error?.issues ?? []).flatMap(mistakesOf),
    ...referenceMistakes(value),
    ...modelMistakes((value as { sources?: unknown } | null)?.sources, registered),
  ]);
  const places = { file: resolve(file), folder: resolve(folder) };
  const config = resolveConfig(parsed.data!, { ...options, ...places, registered });
  source.refuse([
    ...augmentMistakes(config, parsed.data!),
    ...regressionMistakes(config, value),
    ...validationMistakes(config),
  ]);
  source.refuse(claimMistakes(config.claims ?? {}, () => expandTrials(config)));
  if (expandTrials(config).next().done === true) {
    source.refuse([
      { path: ['grid'], message: 'expected at least one trial, but `exclude` and the tasks leave none.' },
    ]);
  }
  return config;
}

/** What the schema found, as mistakes with their place. */
export function mistakesOf(issue: z.core.$ZodIssue): ConfigMistake[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: unknownKey(key, issue.message),
      at: 'key',
    }));
  }
  return [{ path, message: issue.message, ...(issue.code === 'invalid_key' ? { at: 'key' } : {}) }];
}

function resolveConfig(
  value: ConfigValue,
  options: Pick<ConfigOptions, 'out' | 'cache'> & {
    file: string;
    folder: string;
    registered: RegisteredModels;
  },
): SweepConfig {
  const { file, folder, registered } = options;
  const { name = basename(file, extname(file)), cacheLimit, device, extractor, training, exclude } = value;
  const pathOf = (option: string | undefined, given: string | undefined, preset: string) =>
    resolve(option ?? (given === undefined ? preset : resolve(folder, given)));
  const cache = pathOf(options.cache, value.cache, '.thaw/cache');
  return {
    name,
    file,
    out: pathOf(options.out, value.out, `runs/${name}`),
    cache,
    cacheLimit,
    device,
    extractor,
    data: mapValues(value.data, (entry) => dataConfig(entry, folder)),
    tasks: mapValues(value.tasks, ({ datasets, ...rule }) => ({
      rule,
      ...(datasets === undefined ? {} : { datasets }),
    })),
    sources: mapValues(value.sources, (entry, key) => sourceConfig(entry, key, folder, registered)),
    training,
    axes: axesOf(value),
    exclude,
    ...(value.claims === undefined ? {} : { claims: value.claims }),
    ...(value.alpha === undefined ? {} : { alpha: value.alpha }),
  };
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

function axesOf({ data, tasks, sources, grid, zip }: ConfigValue): Axis[] {
  const defaults: { readonly [Key in AxisKey]?: readonly unknown[] } = {
    dataset: Object.keys(data),
    task: Object.keys(tasks),
    source: Object.keys(sources),
    strategy: ['extractor'],
    n: ['all'],
    seed: [0],
  };
  const zipped = new Set(zip.flatMap((entry) => Object.keys(entry)));
  const axis = (lists: { readonly [Key in AxisKey]?: readonly unknown[] }): Axis => {
    const keys = AXIS_KEYS.filter((key) => lists[key] !== undefined);
    const points = lists[keys[0]!]!.map((_, index) =>
      Object.fromEntries(keys.map((key) => [key, lists[key]![index]])),
    );
    return { keys, points };
  };
  const single = AXIS_KEYS.filter((key) => !zipped.has(key)).flatMap((key) => {
    const values = grid[key] ?? defaults[key];
    return values === undefined ? [] : [axis({ [key]: values })];
  });
  return [...single, ...zip.map(axis)];
}
