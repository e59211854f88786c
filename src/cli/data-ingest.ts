import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { suggestionOrList } from '../base/nearest.js';
import type { Progress } from '../base/progress.js';
import { type OpenedDataset, openDatasets } from '../execute/open.js';
import { rowBytes } from '../image/geometry.js';
import { findImageStore, startIngest } from '../image/ingest.js';
import { readConfig } from '../sweep/read-config.js';
import { IngestWorkers, reportToParent } from './ingest-workers.js';
import type { CommandBody } from './lazy.js';
import { folders } from './models-folders.js';
import { workersOf } from './options.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress, formatDuration } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

interface Arguments {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: readonly string[];
  readonly cache: string | undefined;
  readonly workers: number | undefined;
  readonly json: boolean;
}

/** What `--json` prints for a data set. */
interface Ingested {
  readonly dataset: string;
  /** `found`: the store was complete before. */
  readonly status: 'found' | 'made';
  readonly images: number;
  readonly quarantined: number;
  /** Images that this call has decoded, its workers included; others are of former calls or of other machines. */
  readonly decoded: number;
  /** Wall time of this call for this data set. */
  readonly seconds: number;
  /** `decoded` in `seconds`; null where nothing was decoded. */
  readonly imagesPerSecond: number | null;
  /** Of the pixels. */
  readonly bytes: number;
  readonly folder: string;
  readonly contentHash: string;
}

async function ingestAll(args: Arguments): Promise<void> {
  const progress = createProgress();
  const config = await readConfig(relative(process.cwd(), fromUser(args.config)), {
    set: args.set,
    cache: args.cache === undefined ? undefined : fromUser(args.cache),
    models: folders(),
  });
  const count = workersOf(args.workers);
  const needed = { datasets: chosen(Object.keys(config.data), args.data), sources: new Set<string>() };
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, stopOnSignals((message) => progress.note(message))]);
  const report = reportToParent(() => stop.abort());
  const datasets = await openDatasets(config, needed);
  const workers = startWorkers(count, args, progress);
  const made: Ingested[] = [];
  try {
    for (const [name, opened] of datasets) {
      const own = await ingestOne(name, opened, config.cache, progress, signal);
      report({ dataset: name, decoded: own.decoded });
      const decoded = own.decoded + (await workers.decoded(name));
      const result = { ...own, decoded, imagesPerSecond: decoded === 0 ? null : decoded / own.seconds };
      made.push(result);
      if (!args.json) process.stdout.write(`${describe(result)}\n`);
    }
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
  } finally {
    await workers.stop();
  }
  if (args.json) process.stdout.write(`${JSON.stringify(made, null, 2)}\n`);
}

/** The data sets that `--data` names, all without it. Throws CONFIG. */
function chosen(known: readonly string[], wanted: readonly string[]): Set<string> {
  for (const name of wanted) {
    if (!known.includes(name))
      throw new ThawError('CONFIG', `the config has no data set '${name}'.`, {
        node: '--data',
        hint: suggestionOrList(name, known),
      });
  }
  return new Set(wanted.length === 0 ? known : known.filter((name) => wanted.includes(name)));
}

function startWorkers(count: number, args: Arguments, progress: Progress): IngestWorkers {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 2 * availableParallelism();
  const list = (option: string, values: readonly string[]) => values.flatMap((value) => [option, value]);
  return new IngestWorkers(count - 1, {
    script: resolve(process.argv[1]!),
    nodeOptions: process.execArgv,
    args: [
      ...['data', 'ingest', args.config],
      ...list('--set', args.set),
      ...list('--data', args.data),
      ...(args.cache === undefined ? [] : ['--cache', args.cache]),
    ],
    threads: Math.max(1, Math.ceil(threads / count)),
    note: (message) => progress.note(message),
  });
}

async function ingestOne(
  name: string,
  { dataset, config }: OpenedDataset,
  cache: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ingested> {
  const begun = performance.now();
  const found = await findImageStore(dataset, config.image, cache);
  const run =
    found === undefined ? await startIngest(dataset, config.image, { cache, progress, signal }) : undefined;
  const { index, folder } = found ?? (await run!.done);
  return {
    dataset: name,
    status: found === undefined ? 'made' : 'found',
    images: index.rows,
    quarantined: index.quarantine.length,
    decoded: run?.decoded ?? 0,
    seconds: (performance.now() - begun) / 1000,
    imagesPerSecond: null,
    bytes: index.rows * rowBytes(index.layout),
    folder,
    contentHash: index.contentHash,
  };
}

function describe(made: Ingested): string {
  const { dataset, status, images, quarantined, decoded, seconds, imagesPerSecond, bytes, folder } = made;
  const broken = quarantined === 0 ? '' : ` (${quarantined} quarantined)`;
  const here = decoded < images ? `${decoded} of them here, ` : '';
  const speed =
    status === 'found' || imagesPerSecond === null
      ? ''
      : `, ${here}${imagesPerSecond.toPrecision(3)} images/s`;
  const time = status === 'found' ? '' : ` in ${formatDuration(seconds)}`;
  const size = `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${dataset}: ${status} ${images} images${broken}${time}${speed}, ${size} in ${folder}`;
}

export const dataIngestCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('config', { type: 'string', demandOption: true, describe: 'YAML file, see docs/config.md' })
      .option('data', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Only this data set; may be given several times',
      })
      .option('workers', {
        type: 'number',
        describe:
          'Processes that share the work on this machine; decoding threads are shared among them [default: 1]',
      })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Change a value of the config',
      })
      .option('cache', { type: 'string', describe: 'Folder for the images [default: .thaw/cache]' })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .epilogue(
        'Calls that run at the same time with one cache folder, on one machine or several, share the work.\nA call that was stopped or killed goes on where it was; so does a sweep.',
      ) as never,
  handler: ingestAll,
};
