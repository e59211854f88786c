import { readFile } from 'node:fs/promises';
import { ioError } from '../base/files.js';
import { writeReport } from '../report/report.js';
import { trialRows, writeTrialsCsv, writeTrialsParquet } from '../report/tables.js';
import { readLedger } from '../sweep/ledger.js';
import { readPlanned } from '../sweep/planned.js';
import { readRunConfig, runFolder } from '../sweep/run-folder.js';
import type { DataSummary } from '../sweep/run-info.js';

/** Writes tables and report of a run folder from its ledger; only trials of the present config are shown. */
export async function publish(folder: string): Promise<{ readonly report: string; readonly trials: number }> {
  const run = runFolder(folder);
  const config = await readRunConfig(folder);
  const planned = await readPlanned(folder);
  const ledger = await readLedger(folder);
  const ids = planned === undefined ? undefined : new Set(planned.ids);
  const rows = ids === undefined ? ledger.rows : ledger.rows.filter((row) => ids.has(row.trial));
  const table = trialRows(rows);
  await writeTrialsCsv(run.csvFile, table);
  await writeTrialsParquet(run.parquetFile, table);
  const data = Object.values(await readSummaries(run.dataFile));
  const { html } = await writeReport(folder, {
    rows,
    data,
    name: config.name,
    config,
    planned: ids?.size ?? rows.length,
    claims: config.claims,
    alpha: config.alpha,
  });
  return { report: html, trials: rows.length };
}

async function readSummaries(file: string): Promise<Record<string, DataSummary>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, DataSummary>;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw ioError(cause, file, 'read');
  }
}
