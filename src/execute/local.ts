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

/** What a worker process has done, as far as its parent knows. */
interface Worker {
  readonly child: ChildProcess;
  /** It asked for work: it has started. */
  ready: boolean;
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
  /** The first fault that makes going on pointless: failures cannot be recorded. */
  private fault: { readonly error: unknown } | undefined;

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
    if (this.fault !== undefined) throw this.fault.error;
    const trials = this.shard.units.reduce((sum, unit) => sum + unit.trials.length, 0);
    return { ok: this.ok, failed: this.failed, left: trials - this.ok - this.failed };
  }

  /** One worker process after another, until no unit is left or a worker does not start. */
  private async keepSlotBusy(): Promise<void> {
    let started = true;
    while (started && !this.stopping && this.queue.length > 0) started = await this.runWorker();
  }

  /** Resolves when the process has ended and all it said was heard: to false when it never asked for work. */
  private runWorker(): Promise<boolean> {
    const child = fork(this.local.script, ['worker', this.path], {
      execArgv: [...(this.local.nodeOptions ?? [])],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const worker: Worker = { child, ready: false };
    this.children.add(child);
    child.on('message', (event: WorkerEvent) => this.guard(this.receive(worker, event)));
    return new Promise((resolve) => {
      const ended = async (how: string) => {
        this.children.delete(child);
        await this.guard(this.exited(worker, how));
        resolve(worker.ready);
      };
      // Not `exit`: what the worker said last may still be on its way then.
      child.once(
        'close',
        (status, signal) => void ended(signal ? `signal ${signal}` : `exit status ${status}`),
      );
      child.on('error', (error) => {
        this.options.events.note(`worker: ${error.message}`);
        if (child.pid === undefined) void ended('no process');
      });
    });
  }

  /** A failure that cannot be recorded (full disk) ends the run. */
  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.fault ??= { error };
      this.stop();
    }
  }

  private async receive(worker: Worker, event: WorkerEvent): Promise<void> {
    const { child } = worker;
    const running = this.running.get(child);
    switch (event.type) {
      case 'ready':
        worker.ready = true;
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
  private async exited({ child, ready }: Worker, how: string): Promise<void> {
    const running = this.running.get(child);
    this.running.delete(child);
    if (this.stopping) return;
    if (!ready) this.options.events.note(`a worker ended before it took work (${how}); no other is started`);
    if (running === undefined) return;
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
