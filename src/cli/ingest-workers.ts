import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a worker says when it is done with a data set. */
export interface WorkerReport {
  readonly dataset: string;
  /** Images that it has decoded. */
  readonly decoded: number;
}

export interface IngestWorkerOptions {
  /** The program, Node's options for it, and the arguments that make a worker of it. */
  readonly script: string;
  readonly nodeOptions: readonly string[];
  readonly args: readonly string[];
  /** Threads that decode in each worker. */
  readonly threads: number;
  readonly note: (message: string) => void;
}

const KEPT_OUTPUT = 2_000;

/** Processes on this machine that run the same ingest; they share the work through the cache folder. */
export class IngestWorkers {
  private readonly children = new Set<ChildProcess>();
  private readonly decodedBy = new Map<string, number>();
  private readonly reported = new Map<ChildProcess, Set<string>>();
  private waiting: (() => void)[] = [];
  private stopping = false;

  constructor(
    count: number,
    private readonly options: IngestWorkerOptions,
  ) {
    for (let i = 0; i < count; i++) this.start();
  }

  /** Images of a data set that the workers have decoded, once all that are alive are done with it. */
  async decoded(dataset: string): Promise<number> {
    while ([...this.children].some((child) => !this.reported.get(child)?.has(dataset)))
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.decodedBy.get(dataset) ?? 0;
  }

  /** Has them stop, keeping what is finished; resolves when all have ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(
      [...this.children].map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        // Not `close`: that never comes when this side has closed the channel.
        const gone = once(child, 'exit');
        if (child.connected) child.disconnect();
        return gone;
      }),
    );
  }

  private start(): void {
    const { script, nodeOptions, args, threads, note } = this.options;
    const child = fork(script, [...args], {
      execArgv: [...nodeOptions],
      env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.children.add(child);
    this.reported.set(child, new Set());
    let output = '';
    child.stderr?.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-KEPT_OUTPUT);
    });
    child.on('message', ({ dataset, decoded }: WorkerReport) => {
      this.decodedBy.set(dataset, (this.decodedBy.get(dataset) ?? 0) + decoded);
      this.reported.get(child)?.add(dataset);
      this.wake();
    });
    child.on('error', ({ message }) => note(`an ingest worker did not start: ${message}`));
    child.on('close', (status, signal) => {
      this.children.delete(child);
      if (status !== 0 && !this.stopping) {
        const reason = output.trim().split('\n').at(-1);
        note(
          `an ingest worker ended with ${signal ?? `status ${status}`}; the others go on. ${reason ?? ''}`,
        );
      }
      this.wake();
    });
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/**
 * In a process that another one has started as its worker: calls `stop` when that one asks for it or is gone. Returns what
 * tells it of a finished data set; without a parent that does nothing.
 */
export function reportToParent(stop: () => void): (report: WorkerReport) => void {
  if (process.send === undefined) return () => {};
  process.once('disconnect', stop);
  process.channel?.unref();
  return (report) => {
    if (process.connected) process.send?.(report);
  };
}
