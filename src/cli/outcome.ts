import { ThawError } from '../base/errors.js';

/** Exit status of the command: 0 fine, 1 failed, 2 wrong arguments, 130 stopped by the user with work left. */
export function setStatus(status: number): void {
  process.exitCode = status;
}

/** An error that is the user's to mend is one message; anything else is a defect and shows its stack. */
export function reportFailure(error: unknown): void {
  const known = error instanceof ThawError;
  const text = known
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`thaw: ${text}\n`);
  if (known && process.env.THAW_DEBUG !== undefined) process.stderr.write(`${error.stack ?? ''}\n`);
  setStatus(1);
}
