import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { LocalExecutor } from '../execute/local.js';
import { drySweep, runSweep, type SweepOptions, type SweepOutcome } from '../execute/run-sweep.js';
import { viewName } from '../features/view.js';
import type { SweepConfig } from '../sweep/config.js';
import { parseFilter } from '../sweep/filter.js';
import type { Plan } from '../sweep/plan.js';
import { readConfig } from '../sweep/read-config.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';
import { cacheLimitOf, deviceOf, extractorOf, workersOf } from './options.js';
import { setStatus } from './outcome.js';
import { fromUser, quickstartConfig } from './paths.js';
import { createProgress, formatBytes, formatDuration } from './progress.js';
import { publish } from './publish.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

interface Arguments {
  readonly config: string | undefined;
  readonly set: readonly string[];
  readonly filter: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly cache: string | undefined;
  readonly models: string | undefined;
  readonly workers: number | undefined;
  readonly device: string | undefined;
  readonly extractor: string | undefined;
  readonly cacheLimit: string | undefined;
  readonly retryFailed: boolean;
  readonly failFast: boolean;
}

function printPlan(plan: Plan, config: SweepConfig, json: boolean): void {
  const { units, stores, ...counts } = plan;
  if (json) {
    const summary = { name: config.name, ...counts, units: units.length, stores };
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  const line = (name: string, value: string | number) =>
    process.stdout.write(`${name.padEnd(12)} ${value}\n`);
  line('sweep', config.name);
  line('trials', `${plan.trials} (${plan.done} done, ${plan.failed} failed before, ${plan.pending} to run)`);
  line('work units', units.length);
  for (const { strategy, trials, units: own, seconds, secondsFromImages } of plan.strategies) {
    const images =
      secondsFromImages === undefined ? '' : ` (from images ${formatDuration(secondsFromImages)})`;
    line(
      'strategy',
      `${strategy}: ${trials} ${trials === 1 ? 'trial' : 'trials'} in ${own} ${own === 1 ? 'unit' : 'units'}, ${formatDuration(seconds)} of one worker${images}`,
    );
  }
  for (const {
    dataset,
    source,
    cut,
    featureDtype,
    view,
    handMade,
    forNetworks,
    cached,
    images,
    bytes,
  } of stores) {
    const size = bytes === undefined ? '' : `, ${formatBytes(bytes)}`;
    const state = cached ? 'cached' : `${images} images to extract`;
    if (handMade) {
      line('features', `${dataset} by ${source}, radiomics: ${state}${size}`);
      continue;
    }
    line(
      forNetworks ? 'activations' : 'features',
      `${dataset} through ${source} at ${cut}, ${featureDtype}${view === 'identity' ? '' : `, ${viewName(view)}`}: ${state}${size}`,
    );
  }
  line('estimate', formatDuration(plan.estimatedSeconds));
  line('run folder', config.out);
}

function printOutcome(outcome: SweepOutcome, interrupted: boolean): void {
  const { ok, failed, left, doneBefore } = outcome;
  const parts = [`${ok} trials done`, `${failed} failed`, `${doneBefore} were done before`];
  if (left > 0) parts.push(`${left} left`);
  process.stderr.write(`${parts.join(', ')}\n`);
  if (left > 0) process.stderr.write('Run the same command again to go on.\n');
  if (interrupted && left > 0) setStatus(INTERRUPTED);
  else if (failed > 0 || left > 0) setStatus(1);
}

async function sweep(args: Arguments): Promise<void> {
  const progress = createProgress();
  const path = args.config === undefined ? quickstartConfig : fromUser(args.config);
  const place = (folder: string | undefined) => (folder === undefined ? undefined : fromUser(folder));
  const config = await readConfig(relative(process.cwd(), path) || path, {
    set: args.set,
    out: place(args.out),
    cache: place(args.cache),
    models: folders(args.models),
  });
  const workers = workersOf(args.workers);
  const options: SweepOptions = {
    out: config.out,
    cache: config.cache,
    filter: parseFilter(args.filter ?? ''),
    workers,
    device: deviceOf(args.device ?? config.device),
    extractor: extractorOf(args.extractor ?? config.extractor),
    cacheLimit: cacheLimitOf(args.cacheLimit) ?? config.cacheLimit ?? 0,
    retryFailed: args.retryFailed,
    failFast: args.failFast,
    progress,
    signal: args.dryRun ? new AbortController().signal : stopOnSignals((message) => progress.note(message)),
  };
  if (args.dryRun) return printPlan(await drySweep(config, options), config, args.json);
  const executor = new LocalExecutor({
    workers,
    script: resolve(process.argv[1]!),
    nodeOptions: process.execArgv,
  });
  try {
    const outcome = await runSweep(config, executor, options);
    printOutcome(outcome, options.signal.aborted);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
    return;
  }
  const published = await publish(config.out);
  process.stdout.write(`${published.report}\n`);
}

export const sweepCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('config', { type: 'string', describe: 'YAML file, see docs/config.md' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Change a value: --set grid.lr=0.001',
      })
      .option('filter', { type: 'string', describe: "Only these trials: --filter 'task=pneumonia n<=200'" })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Print what would be done' })
      .option('json', { type: 'boolean', default: false, describe: 'With --dry-run: print JSON' })
      .option('out', { type: 'string', describe: 'Run folder [default: runs/<name>]' })
      .option('cache', {
        type: 'string',
        describe: 'Folder for images, features and prefixes of networks [default: .thaw/cache]',
      })
      .option('models', MODELS_OPTION)
      .option('workers', {
        type: 'number',
        describe: `Worker processes; the ${availableParallelism()} threads are shared among them [default: 1]`,
      })
      .option('device', { type: 'string', describe: 'Extract features on auto, cpu, cuda or cuda:<number>' })
      .option('extractor', {
        type: 'string',
        describe: 'Extract features with auto, onnxruntime or engine (ours, on the CPU)',
      })
      .option('cache-limit', {
        type: 'string',
        describe: 'Store at most this much of activations for networks to train from, e.g. 20GB, or off',
      })
      .option('retry-failed', {
        type: 'boolean',
        default: false,
        describe: 'Run trials that failed before again',
      })
      .option('fail-fast', { type: 'boolean', default: false, describe: 'Stop at the first failed trial' })
      .example('$0 sweep', 'the embedded example, under a minute')
      .example(
        "$0 sweep my.yaml --filter 'n<=200' --workers 2",
        'a part of a sweep in two processes',
      ) as never,
  handler: sweep,
};
