/** Exit status of a command that a signal has stopped. */
export const INTERRUPTED = 130;

/** The first signal stops the work where it can go on later, keeping what is recorded; the second ends at once. */
export function stopOnSignals(note: (message: string) => void): AbortSignal {
  const stop = new AbortController();
  const ask = (signal: string) => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    note(`${signal}: stopping; everything finished is kept (once more to end at once)`);
    stop.abort();
  };
  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  return stop.signal;
}
