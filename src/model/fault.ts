import { ThawError } from '../base/errors.js';

/** The error with `file` in its place, when it is a ThawError that names none yet. */
export function placedIn(file: string, error: unknown): unknown {
  if (!(error instanceof ThawError) || error.place.file !== undefined) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new ThawError(error.code, error.summary, { ...error.place, file, cause: error, ...hint });
}

/** Runs `work`; a ThawError that names no file is thrown again with `file` in its place. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw placedIn(file, error);
  }
}

/** The first names of a list, and how many more there are. */
export function listNames(names: readonly string[], shown = 8): string {
  const first = names.slice(0, shown).join(', ');
  return names.length > shown ? `${first} and ${names.length - shown} more` : first;
}
