/** Receives progress of one long task; the command line draws a bar or prints lines, tests pass `silent`. */
export interface Progress {
  /** Opens a task of `total` units; `done` of them may be finished already (resume). */
  start(task: string, total: number, unit: string, done?: number): ProgressTask;
  /** One line of information for the user. */
  note(message: string): void;
}

export interface ProgressTask {
  /** `failed` of the units did not end well. */
  advance(units: number, failed?: number): void;
  finish(): void;
}

const silentTask: ProgressTask = { advance: () => {}, finish: () => {} };
export const silent: Progress = { start: () => silentTask, note: () => {} };
