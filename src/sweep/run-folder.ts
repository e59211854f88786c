import { constants } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';
import { canonicalJson } from '../base/hash.js';
import type { SweepConfig } from './config.js';

/** Where the parts of one run lie. */
export interface RunFolder {
  readonly folder: string;
  /** The resolved config; earlier ones are kept beside it as `sweep.<n>.json`. */
  readonly sweepFile: string;
  readonly ledgerFolder: string;
  readonly predictionsFolder: string;
  /** Data summaries by data set name. */
  readonly dataFile: string;
  /** `<data set>.csv`: which image is in which part of the split. */
  readonly splitsFolder: string;
  readonly csvFile: string;
  readonly parquetFile: string;
  readonly reportFolder: string;
}

export function runFolder(folder: string): RunFolder {
  return {
    folder,
    sweepFile: join(folder, 'sweep.json'),
    ledgerFolder: join(folder, 'ledger'),
    predictionsFolder: join(folder, 'predictions'),
    dataFile: join(folder, 'data.json'),
    splitsFolder: join(folder, 'splits'),
    csvFile: join(folder, 'trials.csv'),
    parquetFile: join(folder, 'trials.parquet'),
    reportFolder: join(folder, 'report'),
  };
}

/**
 * Creates a run folder or takes an existing one up again. The config may have changed since: finished trials are found by
 * their id, whatever config asked for them. The newest config becomes `sweep.json`. Throws a ThawError IO.
 */
export async function openRun(
  folder: string,
  config: SweepConfig,
): Promise<RunFolder & { readonly resumed: boolean }> {
  const run = runFolder(folder);
  try {
    await mkdir(run.ledgerFolder, { recursive: true });
    await mkdir(run.predictionsFolder, { recursive: true });
  } catch (cause) {
    throw ioError(cause, folder, 'write');
  }
  const earlier = await readIfThere(run.sweepFile);
  const text = `${JSON.stringify(config, null, 2)}\n`;
  if (earlier === undefined || !sameJson(earlier, config)) {
    if (earlier !== undefined) await keepEarlier(run);
    await writeFileAtomic(run.sweepFile, text);
  }
  return { ...run, resumed: earlier !== undefined };
}

/** Whether `thaw sweep` has written to a folder. */
export async function isRunFolder(folder: string): Promise<boolean> {
  return (await readIfThere(runFolder(folder).sweepFile)) !== undefined;
}

/** The config that a run folder was last used with; a ThawError CONFIG when the folder is no run. */
export async function readRunConfig(folder: string): Promise<SweepConfig> {
  const { sweepFile } = runFolder(folder);
  const text = await readIfThere(sweepFile);
  if (text === undefined) {
    throw new ThawError('CONFIG', 'expected a run folder, but it has no sweep.json.', {
      file: folder,
      hint: 'Name a folder that `thaw sweep` wrote, e.g. runs/quickstart.',
    });
  }
  return parseSweep(text, sweepFile);
}

/** A `sweep.json`, or an earlier one that was kept. Throws IO, or CONFIG for a file that is none. */
export async function readSweepFile(file: string): Promise<SweepConfig> {
  try {
    return parseSweep(await readFile(file, 'utf8'), file);
  } catch (cause) {
    throw ioError(cause, file, 'read');
  }
}

function parseSweep(text: string, file: string): SweepConfig {
  try {
    return JSON.parse(text) as SweepConfig;
  } catch (cause) {
    throw new ThawError('CONFIG', `expected JSON: ${messageOf(cause)}.`, { file, cause });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw ioError(cause, file, 'read');
  }
}

/** A `sweep.json` that somebody edited into no JSON is different from every config. */
function sameJson(text: string, value: unknown): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(value);
  } catch {
    return false;
  }
}

/** Copies `sweep.json` to the first free `sweep.<n>.json`. */
async function keepEarlier(run: RunFolder): Promise<void> {
  for (let index = 1; ; index++) {
    const copy = join(run.folder, `sweep.${index}.json`);
    try {
      return await copyFile(run.sweepFile, copy, constants.COPYFILE_EXCL);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw ioError(cause, copy, 'write');
    }
  }
}
