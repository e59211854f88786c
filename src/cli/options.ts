import { ThawError } from '../base/errors.js';

/** `--workers`: worker processes, 1 by default. Throws CONFIG. */
export function workersOf(value: number | undefined): number {
  if (value === undefined) return 1;
  if (Number.isInteger(value) && value >= 1) return value;
  throw new ThawError('CONFIG', `expected a whole number of at least 1, received ${value}.`, {
    node: '--workers',
  });
}
