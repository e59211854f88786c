import { relative } from 'node:path';
import { listSome } from '../base/nearest.js';
import { type OpenedDataset, openDatasets, splitOf } from '../execute/open.js';
import { type CheckedDataset, DUPLICATES_HINT, reportQuality, withFindings } from '../execute/quality.js';
import { summarise } from '../execute/summary.js';
import { findImageStore, ingest } from '../image/ingest.js';
import { pixelFindings } from '../image/quality/pixel-findings.js';
import type { ImageStore } from '../image/store.js';
import type { SweepConfig } from '../sweep/config.js';
import { readConfig } from '../sweep/read-config.js';
import type { DataSummary } from '../sweep/run-info.js';
import { describeData } from './data-text.js';
import type { CommandBody } from './lazy.js';
import { folders } from './models-folders.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress } from './progress.js';

interface Arguments {
  readonly config: string;
  readonly set: readonly string[];
  readonly json: boolean;
  readonly tablesOnly: boolean;
}

const PATIENTS_HINT =
  "Use split: {kind: random, …}, which keeps patients together; 'allowLeakage: true' goes on regardless, and the report says so.";

async function check({ config: path, set, json, tablesOnly }: Arguments): Promise<void> {
  const config = await readConfig(relative(process.cwd(), fromUser(path)), { set, models: folders() });
  const needed = { datasets: new Set(Object.keys(config.data)), sources: new Set<string>() };
  const summaries: DataSummary[] = [];
  for (const [name, opened] of await openDatasets(withLeaks(config), needed)) {
    const { checked, images } = tablesOnly
      ? { checked: opened, images: await findImageStore(opened.dataset, opened.config.image, config.cache) }
      : await lookThrough(opened, config.cache);
    const split = splitOf(checked, images);
    const quality = reportQuality(checked, images, split, config.data[name]);
    summaries.push({ ...summarise(opened.dataset, split, images), quality });
  }
  if (json) process.stdout.write(`${JSON.stringify(summaries, null, 2)}\n`);
  else for (const summary of summaries) process.stdout.write(`${describeData(summary)}\n`);
  for (const summary of summaries) reportErrors(summary);
}

/** Patients in two splits, where a sweep stops, are listed here with everything else. */
function withLeaks(config: SweepConfig): SweepConfig {
  const data = Object.entries(config.data).map(([name, entry]) => [name, { ...entry, allowLeakage: true }]);
  return { ...config, data: Object.fromEntries(data) };
}

async function lookThrough(
  opened: OpenedDataset,
  cache: string,
): Promise<{ checked: CheckedDataset; images: ImageStore }> {
  const progress = createProgress();
  const images = await ingest(opened.dataset, opened.config.image, { cache, progress });
  const findings = await pixelFindings(opened.dataset, images, { progress });
  return { checked: withFindings(opened, images, findings), images };
}

/** What a sweep would refuse, on standard error; then the status is 1. */
function reportErrors({ root, quality }: DataSummary): void {
  for (const { severity, kind, message, items } of quality?.issues ?? []) {
    if (severity !== 'error') continue;
    const named = items.map(({ images, detail }) =>
      images.length === 0
        ? detail
        : images.map(({ path, split }) => `${path} (${split ?? 'unused'})`).join(' = '),
    );
    const hint = kind === 'duplicates-across-splits' ? DUPLICATES_HINT : PATIENTS_HINT;
    process.stderr.write(`thaw: ${root}: ${message} ${listSome(named, 10)}. ${hint}\n`);
    setStatus(1);
  }
}

export const dataCheckCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('config', { type: 'string', demandOption: true, describe: 'YAML file, see docs/config.md' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Change a value of the config',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .option('tables-only', {
        type: 'boolean',
        default: false,
        describe: 'Look at the tables alone: no image is decoded',
      }) as never,
  handler: check,
};
