import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { recordFailures } from './broken.js';
import type { ExecutionOptions, ExecutionSummary, Executor } from './executor.js';
import type { Shard, ShardUnit, WorkerCommand, WorkerEvent } from './shard.js';

export interface LocalOptions {
  readonly workers: number;
  /** The program that has a `worker` command, and Node's options for it. */
  readonly script: string;
  readonly nodeOptions?: readonly string[];
  /** How often a unit is tried when its worker dies. */
  readonly maxAttempts?: number;
}

interface Running {
  readonly index: number;
  readonly attempt: number;
  done: number;
}

/** Worker processes on this machine. They take units one by one; one that dies costs its unit an attempt. */
export class LocalExecutor implements Executor {
  constructor(private readonly options: LocalOptions) {}

  async run(shard: Shard, options: ExecutionOptions): Promise<ExecutionSummary> {
    if (shard.units.length === 0) return { ok: 0, failed: 0, left: 0 };
    const path = join(shard.run, 'shards', `local-${process.pid}.json`);
    await writeFileAtomic(path, JSON.stringify(shard));
    const pool = new WorkerPool(shard, path, this.options, options);
    return pool.run();
  }
}

class WorkerPool {
  private readonly queue: { index: number; attempt: number }[];
  private readonly children = new Set<ChildProcess>();
  private readonly running = new Map<ChildProcess, Running>();
  private ok = 0;
  private failed = 0;
  private stopping = false;

  constructor(
    private readonly shard: Shard,
    private readonly path: string,
    private readonly local: LocalOptions,
    private readonly options: ExecutionOptions,
  ) {
    this.queue = shard.units.map((_, index) => ({ index, attempt: 1 }));
  }

  async run(): Promise<ExecutionSummary> {
    const stop = () => this.stop();
    this.options.signal.addEventListener('abort', stop, { once: true });
    if (this.options.signal.aborted) this.stopping = true;
    const slots = Math.min(this.local.workers, this.shard.units.length);
    await Promise.all(Array.from({ length: slots }, () => this.keepSlotBusy()));
    this.options.signal.removeEventListener('abort', stop);
    const trials = this.shard.units.reduce((sum, unit) => sum + unit.trials.length, 0);
    return { ok: this.ok, failed: this.failed, left: trials - this.ok - this.failed };
  }

  /** One worker process after another, until no unit is left. */
  private async keepSlotBusy(): Promise<void> {
    while (!this.stopping && this.queue.length > 0) await this.runWorker();
  }

  private runWorker(): Promise<void> {
    const child = fork(this.local.script, ['worker', this.path], {
      execArgv: [...(this.local.nodeOptions ?? [])],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.children.add(child);
    child.on('message', (event: WorkerEvent) => void this.receive(child, event));
    return new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        this.children.delete(child);
        void this.exited(child, status, signal).then(resolve);
      });
      child.once('error', (error) => this.options.events.note(`worker: ${error.message}`));
    });
  }

  private async receive(child: ChildProcess, event: WorkerEvent): Promise<void> {
    const running = this.running.get(child);
    switch (event.type) {
      case 'ready':
        return this.next(child);
      case 'progress':
        if (running !== undefined) running.done = event.done;
        return this.reportInFlight();
      case 'finished':
        this.running.delete(child);
        this.count(event.ok, event.failed);
        return this.next(child);
      case 'broken':
        this.running.delete(child);
        await this.recordBroken(
          this.shard.units[event.index]!,
          running?.attempt ?? 1,
          event.code,
          event.message,
        );
        return this.next(child);
    }
  }

  private count(ok: number, failed: number): void {
    this.ok += ok;
    this.failed += failed;
    this.options.events.unitFinished(ok, failed);
    this.reportInFlight();
    if (failed > 0 && this.options.failFast) this.stop();
  }

  private reportInFlight(): void {
    let trials = 0;
    for (const { index, done } of this.running.values())
      trials += done * this.shard.units[index]!.trials.length;
    this.options.events.inFlight(trials);
  }

  private next(child: ChildProcess): void {
    const unit = this.stopping ? undefined : this.queue.shift();
    if (unit === undefined) {
      send(child, { type: 'end' });
      return;
    }
    this.running.set(child, { ...unit, done: 0 });
    send(child, { type: 'run', ...unit });
  }

  private stop(): void {
    this.stopping = true;
    for (const child of this.children) send(child, { type: 'stop' });
  }

  /** A worker that died with a unit in hand: the unit is tried again, or its trials are recorded as failed. */
  private async exited(child: ChildProcess, status: number | null, signal: string | null): Promise<void> {
    const running = this.running.get(child);
    this.running.delete(child);
    if (running === undefined) {
      if (status !== 0 && !this.stopping && this.queue.length > 0) this.dieBeforeWork(status, signal);
      return;
    }
    if (this.stopping) return;
    const how = signal === null ? `exit status ${status}` : `signal ${signal}`;
    const unit = this.shard.units[running.index]!;
    const maxAttempts = this.local.maxAttempts ?? 2;
    this.options.events.note(
      `worker died (${how}) in unit ${unit.id} of ${unit.trials.length} trials, attempt ${running.attempt} of ${maxAttempts}`,
    );
    if (running.attempt < maxAttempts) {
      this.queue.push({ index: running.index, attempt: running.attempt + 1 });
      return;
    }
    await this.recordBroken(
      unit,
      running.attempt,
      'RUNTIME',
      `the worker process died (${how}) while it trained this unit.`,
    );
  }

  /** A worker that cannot even start will not start the next time either. */
  private dieBeforeWork(status: number | null, signal: string | null): void {
    this.options.events.note(
      `a worker ended before it took work (${signal ?? `exit status ${status}`}); stopping`,
    );
    this.stop();
  }

  private async recordBroken(unit: ShardUnit, attempt: number, code: string, message: string): Promise<void> {
    const error = { code: code as 'RUNTIME', message };
    await recordFailures(
      this.shard.run,
      unit.trials.map((spec) => ({ spec, attempt, error })),
    );
    this.count(0, unit.trials.length);
  }
}

function send(child: ChildProcess, command: WorkerCommand): void {
  if (child.connected) child.send(command);
}
