import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';

/**
 * `plan.json` of a run folder: the trials of the whole config, whatever `--filter` left out of a single run. Tables and
 * report show these trials only, so rows of a former config (another split, say) never mix with those of the present one.
 */
export interface PlannedTrials {
  readonly ids: readonly string[];
}

function planFile(runFolder: string): string {
  return join(runFolder, 'plan.json');
}

export async function writePlanned(runFolder: string, planned: PlannedTrials): Promise<void> {
  await writeFileAtomic(planFile(runFolder), JSON.stringify(planned));
}

/** Undefined for a run that was stopped before it was planned. Throws IO, or CONFIG for a file that is no plan. */
export async function readPlanned(runFolder: string): Promise<PlannedTrials | undefined> {
  const file = planFile(runFolder);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(cause, file, 'read');
  }
  try {
    return JSON.parse(text) as PlannedTrials;
  } catch (cause) {
    const hint = 'Run the sweep again; it writes the file anew.';
    throw new ThawError('CONFIG', `expected JSON: ${messageOf(cause)}.`, { file, hint, cause });
  }
}
