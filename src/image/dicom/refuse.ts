import { ThawError } from '../../base/errors.js';

/** Refuses a DICOM image; whoever knows its file adds it. `hint` says what the user can do. */
export function refuse(summary: string, hint?: string): never {
  throw new ThawError('IMAGE', summary, hint === undefined ? {} : { hint });
}
