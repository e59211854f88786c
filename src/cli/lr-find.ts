import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';
import { findRates, MOST_TESTS, type TestedTrial } from '../execute/find-rates.js';
import { standAloneSvg } from '../report/figures.js';
import { drawRates, RULES, rateText } from '../report/rate-chart.js';
import { trialNames } from '../report/rate-names.js';
import { parseFilter } from '../sweep/filter.js';
import { readConfig } from '../sweep/read-config.js';
import { RANGE, type RangeSettings } from '../train/lr-finder.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';
import { deviceOf, extractorOf } from './options.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

interface Arguments {
  readonly config: string;
  readonly set: readonly string[];
  readonly filter: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly cache: string | undefined;
  readonly models: string | undefined;
  readonly device: string | undefined;
  readonly extractor: string | undefined;
}

async function run(args: Arguments): Promise<void> {
  const place = (folder: string | undefined) => (folder === undefined ? undefined : fromUser(folder));
  const path = fromUser(args.config);
  const config = await readConfig(relative(process.cwd(), path) || path, {
    set: args.set,
    cache: place(args.cache),
    models: folders(args.models),
  });
  const progress = createProgress();
  const range = { from: args.from, to: args.to, steps: args.steps };
  try {
    const tested = await findRates(config, {
      range,
      filter: parseFilter(args.filter ?? ''),
      cache: config.cache,
      device: deviceOf(args.device ?? config.device),
      extractor: extractorOf(args.extractor ?? config.extractor),
      progress,
      signal: stopOnSignals((message) => progress.note(message)),
    });
    const names = trialNames(tested.map(({ spec }) => spec));
    const files = await write(place(args.out) ?? `${config.out}-lr-find`, tested, names, range);
    if (args.json) process.stdout.write(jsonText(tested, names, range));
    else print(tested, names, files.svg);
    if (tested.some(({ test }) => test.suggestions === undefined)) setStatus(1);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write('stopped\n');
    setStatus(INTERRUPTED);
  }
}

function print(tested: readonly TestedTrial[], names: readonly string[], svg: string): void {
  for (const [index, { test }] of tested.entries()) {
    const { suggestions, ended, rates, seconds } = test;
    process.stdout.write(`${names[index]}\n`);
    if (suggestions === undefined) process.stdout.write('  no suggestion: the training loss never fell\n');
    else
      for (const [rule, name] of RULES)
        process.stdout.write(
          `  ${name.padEnd(18)} ${rateText(suggestions[rule])}${rule === 'valley' ? '   what `lr: auto` takes' : ''}\n`,
        );
    const end = ended === 'complete' ? '' : `, ${ended} at ${rateText(rates.at(-1) ?? 0)}`;
    process.stdout.write(`  ${rates.length} steps${end}, ${seconds.toFixed(1)} thread-seconds\n`);
  }
  process.stdout.write(`${svg}\n`);
}

function jsonText(tested: readonly TestedTrial[], names: readonly string[], range: RangeSettings): string {
  const tests = tested.map(({ spec, trainImages, test }, index) => ({
    name: names[index],
    trainImages,
    ...test,
    suggestions: test.suggestions ?? null,
    spec,
  }));
  return `${JSON.stringify({ range, tests }, null, 2)}\n`;
}

async function write(
  folder: string,
  tested: readonly TestedTrial[],
  names: readonly string[],
  range: RangeSettings,
): Promise<{ svg: string }> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw ioError(cause, folder, 'write');
  });
  const lines = tested.flatMap(({ test }, index) =>
    test.rates.map((rate, step) =>
      [`"${names[index]}"`, step, rate, test.losses[step], test.smoothed[step]].join(','),
    ),
  );
  const svg = join(folder, 'lr-find.svg');
  const figure = await drawRates(tested.map(({ test }, index) => ({ name: names[index]!, test })));
  await writeFileAtomic(join(folder, 'lr-find.json'), jsonText(tested, names, range));
  await writeFileAtomic(
    join(folder, 'lr-find.csv'),
    `${['trial,step,lr,loss,smoothed', ...lines].join('\n')}\n`,
  );
  await writeFileAtomic(svg, standAloneSvg(figure));
  return { svg };
}

export const lrFindCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('config', {
        type: 'string',
        demandOption: true,
        describe: 'YAML file of a sweep, see docs/config.md',
      })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Change a value: --set training.batch=16',
      })
      .option('filter', {
        type: 'string',
        describe: `Only these trials, up to ${MOST_TESTS} different tests: --filter 'strategy=full n=200 seed=0'`,
      })
      .option('from', { type: 'number', default: RANGE.from, describe: 'Lowest learning rate' })
      .option('to', { type: 'number', default: RANGE.to, describe: 'Highest learning rate' })
      .option('steps', { type: 'number', default: RANGE.steps, describe: 'Steps from the one to the other' })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .option('out', {
        type: 'string',
        describe: 'Folder for lr-find.json, .csv and .svg [default: runs/<name>-lr-find]',
      })
      .option('cache', {
        type: 'string',
        describe: 'Folder for images, features and prefixes of networks [default: .thaw/cache]',
      })
      .option('models', MODELS_OPTION)
      .option('device', { type: 'string', describe: 'Extract features on auto, cpu, cuda or cuda:<number>' })
      .option('extractor', {
        type: 'string',
        describe: 'Extract features with auto, onnxruntime or engine (ours, on the CPU)',
      })
      .example(
        "$0 lr-find nih.yaml --filter 'strategy=gradual n=200 seed=0'",
        'the curve of one cell of the grid',
      ) as never,
  handler: run,
};
