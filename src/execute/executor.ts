import type { Shard } from './shard.js';

/** What an executor reports while it works; counts are trials. */
export interface ExecutionEvents {
  /** A unit was recorded. */
  unitFinished(ok: number, failed: number): void;
  /** Trials' worth of work done inside units that still run, for the progress display. */
  inFlight(trials: number): void;
  note(message: string): void;
}

export interface ExecutionOptions {
  readonly signal: AbortSignal;
  readonly events: ExecutionEvents;
  /** Stop handing out units after the first failed trial. */
  readonly failFast: boolean;
}

export interface ExecutionSummary {
  readonly ok: number;
  readonly failed: number;
  /** Trials of units that were not run: stopped, or ended by `failFast`. */
  readonly left: number;
}

/** Runs the units of a shard somewhere; where does not change the results. */
export interface Executor {
  run(shard: Shard, options: ExecutionOptions): Promise<ExecutionSummary>;
}
