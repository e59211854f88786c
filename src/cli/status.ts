import { readLedger } from '../sweep/ledger.js';
import { readPlanned } from '../sweep/planned.js';
import { readRunConfig } from '../sweep/run-folder.js';
import type { CommandBody } from './lazy.js';
import { fromUser } from './paths.js';

interface Status {
  readonly name: string;
  readonly planned: number | null;
  readonly done: number;
  readonly failed: number;
  readonly left: number | null;
  readonly errors: Readonly<Record<string, number>>;
  readonly tornLines: number;
  readonly invalidLines: number;
  /** Finish time of the newest row. */
  readonly updated: string | null;
}

async function statusOf(folder: string): Promise<Status> {
  const config = await readRunConfig(folder);
  const planned = await readPlanned(folder);
  const ledger = await readLedger(folder);
  const ids = planned === undefined ? undefined : new Set(planned.ids);
  const rows = ledger.rows.filter((row) => ids?.has(row.trial) ?? true);
  const errors: Record<string, number> = {};
  for (const row of rows) {
    if (row.status === 'failed') errors[row.error.code] = (errors[row.error.code] ?? 0) + 1;
  }
  const done = rows.filter((row) => row.status === 'ok').length;
  return {
    name: config.name,
    planned: ids?.size ?? null,
    done,
    failed: rows.length - done,
    left: ids === undefined ? null : ids.size - rows.length,
    errors,
    tornLines: ledger.tornLines.length,
    invalidLines: ledger.invalidLines.length,
    updated: rows.reduce<string | null>(
      (latest, row) => (latest === null || row.finishedAt > latest ? row.finishedAt : latest),
      null,
    ),
  };
}

export const statusCommand: CommandBody<{ dir: string; json: boolean }> = {
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'Run folder, e.g. runs/quickstart' })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' }) as never,
  handler: async ({ dir, json }) => {
    const status = await statusOf(fromUser(dir));
    if (json) {
      process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
      return;
    }
    const { name, planned, done, failed, left, errors, updated } = status;
    process.stdout.write(
      `${name}: ${done} of ${planned ?? '?'} trials done, ${failed} failed, ${left ?? '?'} left\n`,
    );
    for (const [code, count] of Object.entries(errors)) process.stdout.write(`  ${count} × ${code}\n`);
    if (updated !== null) process.stdout.write(`  last row: ${updated}\n`);
  },
};
