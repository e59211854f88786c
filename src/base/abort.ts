import { ThawError } from './errors.js';

/** Throws what stopped the work: the ThawError that the signal carries, else ABORTED with `hint`. */
export function throwIfAborted(signal: AbortSignal | undefined, hint: string): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof ThawError) throw signal.reason;
  throw new ThawError('ABORTED', 'stopped before the end.', { hint, cause: signal.reason });
}

/** `promise`, or the error of `throwIfAborted` as soon as the signal is aborted (the promise is then left to itself). */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, hint: string): Promise<T> {
  throwIfAborted(signal, hint);
  const listening = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => {
      try {
        throwIfAborted(signal, hint);
      } catch (error) {
        reject(error);
      }
    };
    signal.addEventListener('abort', stop, { once: true, signal: listening.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    listening.abort();
  }
}
