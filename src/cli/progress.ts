import { MultiBar, Presets } from 'cli-progress';
import type { Progress, ProgressTask } from '../base/progress.js';

/** Seconds as `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** Bytes as `0.048 MB`, `32 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const [unit, size] = bytes < 1e9 ? (['MB', 1e6] as const) : (['GB', 1e9] as const);
  return `${(bytes / size).toPrecision(bytes / size < 10 ? 2 : 3)} ${unit}`;
}

/** Rate of the units done in this run; units that an earlier run had finished do not count. */
class Meter {
  private readonly started = performance.now();
  private readonly initial: number;

  constructor(
    readonly total: number,
    public done: number,
  ) {
    this.initial = done;
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  get rate(): number {
    return (this.done - this.initial) / Math.max(this.seconds, 1e-3);
  }

  get eta(): number {
    return this.rate > 0 ? (this.total - this.done) / this.rate : Number.POSITIVE_INFINITY;
  }
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate >= 1 ? rate.toFixed(1) : rate.toFixed(2);
}

/** `, 3 failed`, or nothing. */
function formatFailed(failed: number): string {
  return failed === 0 ? '' : `, ${failed} failed`;
}

/** Bars that are redrawn, one line each while they run, for terminals. */
class TerminalProgress implements Progress {
  private bars: MultiBar | undefined;
  private running = 0;

  start(task: string, total: number, unit: string, done = 0): ProgressTask {
    this.bars ??= new MultiBar(
      {
        format: `{task} {bar} {value}/{total} {unit}{failed}  {rate}/s  ETA {left}`,
        stream: process.stderr,
        hideCursor: true,
        barsize: 28,
        fps: 8,
      },
      Presets.rect,
    );
    const meter = new Meter(total, done);
    let failures = 0;
    const payload = () => ({
      task: task.padEnd(9),
      unit,
      failed: formatFailed(failures),
      rate: formatRate(meter.rate),
      left: formatDuration(meter.eta),
    });
    const bar = this.bars.create(total, done, payload());
    this.running++;
    let finished = false;
    return {
      advance: (units, failed = 0) => {
        meter.done += units;
        failures += failed;
        bar.update(Math.min(total, meter.done), payload());
      },
      finish: () => {
        if (finished) return;
        finished = true;
        bar.update(Math.min(total, meter.done), payload());
        this.running--;
        if (this.running > 0) return;
        // Draws what was noted since the last drawing.
        this.bars?.update();
        this.bars?.stop();
        this.bars = undefined;
      },
    };
  }

  note(message: string): void {
    // Above the bars while there are any: they are drawn anew below it.
    if (this.bars === undefined || !process.stderr.isTTY) process.stderr.write(`${message}\n`);
    else this.bars.log(`${message}\n`);
  }
}

const LINE_EVERY_SECONDS = 5;

/** A line at the start, every few seconds and at the end, for logs and batch jobs. */
class LineProgress implements Progress {
  start(task: string, total: number, unit: string, done = 0): ProgressTask {
    const meter = new Meter(total, done);
    let last = performance.now();
    let failures = 0;
    let finished = false;
    const line = (text: string) => process.stderr.write(`${task}: ${text}\n`);
    if (done > 0) line(`${done}/${total} ${unit} were done before`);
    return {
      advance: (units, failed = 0) => {
        meter.done += units;
        failures += failed;
        const now = performance.now();
        if (now - last < LINE_EVERY_SECONDS * 1000) return;
        last = now;
        const count = `${meter.done}/${total} ${unit}${formatFailed(failures)}`;
        line(`${count}, ${formatRate(meter.rate)}/s, ETA ${formatDuration(meter.eta)}`);
      },
      finish: () => {
        if (finished) return;
        finished = true;
        const count = `${meter.done}/${total} ${unit}${formatFailed(failures)}`;
        line(`${count} in ${formatDuration(meter.seconds)}, ${formatRate(meter.rate)}/s`);
      },
    };
  }

  note(message: string): void {
    process.stderr.write(`${message}\n`);
  }
}

/** Bars on a terminal, plain lines elsewhere. */
export function createProgress(terminal = process.stderr.isTTY === true): Progress {
  return terminal ? new TerminalProgress() : new LineProgress();
}
