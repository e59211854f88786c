import { relative } from 'node:path';
import type { CommandModule } from 'yargs';
import { openDatasets, splitOf } from '../execute/open.js';
import { summarise } from '../execute/summary.js';
import { findImageStore } from '../image/ingest.js';
import { readConfig } from '../sweep/read-config.js';
import type { DataSummary, SplitSummary } from '../sweep/run-info.js';
import { fromUser } from './paths.js';

interface Arguments {
  readonly config: string;
  readonly set: readonly string[];
  readonly json: boolean;
}

async function check({ config: path, set, json }: Arguments): Promise<void> {
  const config = await readConfig(relative(process.cwd(), fromUser(path)), { set });
  const needed = { datasets: new Set(Object.keys(config.data)), sources: new Set<string>() };
  const summaries: DataSummary[] = [];
  for (const opened of (await openDatasets(config, needed)).values()) {
    const images = await findImageStore(opened.dataset, opened.config.image, config.cache);
    summaries.push(summarise(opened.dataset, splitOf(opened, images), images));
  }
  if (json) process.stdout.write(`${JSON.stringify(summaries, null, 2)}\n`);
  else for (const summary of summaries) process.stdout.write(`${describe(summary)}\n`);
}

function describe(summary: DataSummary): string {
  const { splits, labelNames } = summary;
  const lines = [
    `${summary.dataset}: ${summary.images} images of ${summary.patients} patients${summary.patientsAssumed ? ' (one assumed for each image)' : ''}`,
    `  split          ${summary.splitMethod}; patients in two splits: ${summary.leakingPatients.length}`,
  ];
  if (summary.missingImages > 0)
    lines.push(`  not there      ${summary.missingImages} images that the table lists`);
  if (summary.quarantine.length > 0) lines.push(`  quarantined    ${summary.quarantine.length} images`);
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(22)}${cells.map((cell) => cell.padStart(16)).join('')}`;
  const parts: readonly SplitSummary[] = [splits.train, splits.validation, splits.test];
  lines.push(row('', ['train', 'validation', 'test']));
  lines.push(
    row(
      'images (patients)',
      parts.map(({ images, patients }) => `${images} (${patients})`),
    ),
  );
  for (const [index, label] of labelNames.entries()) {
    lines.push(
      row(
        label,
        parts.map(({ positives, known }) => share(positives[index]!, known[index]!)),
      ),
    );
  }
  return [...lines, ...summary.notes.map((note) => `  note: ${note}`)].join('\n');
}

function share(positives: number, known: number): string {
  return known === 0 ? 'unknown' : `${positives} (${((100 * positives) / known).toFixed(1)} %)`;
}

export const dataCheckCommand: CommandModule<object, Arguments> = {
  command: 'check <config>',
  describe: 'Read the tables of a config, check its splits, count images, patients and labels',
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
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' }) as never,
  handler: check,
};
