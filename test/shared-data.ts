import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.THAW_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));

/** Absolute path of a file or folder of the shared test data, undefined where it is not on this machine. */
export function sharedPath(relative: string): string | undefined {
  const path = join(folder, relative);
  return existsSync(path) ? path : undefined;
}

/** `skip` option of a test that needs shared data: false when all of it is there, else the reason. */
export function skipWithout(...relative: string[]): string | false {
  const missing = relative.filter((path) => sharedPath(path) === undefined);
  return missing.length === 0 ? false : `shared test data not found: ${missing.join(', ')} (set THAW_SHARED)`;
}
