import { Presets, SingleBar } from 'cli-progress';
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

/** Carriage return, then erase to the end of the line (ECMA-48). */
const CLEAR_LINE = '\r\x1b[K';

/** A bar that is redrawn, for terminals. */
class TerminalProgress implements Progress {
  private bars = 0;

  start(task: string, total: number, unit: string, done = 0): ProgressTask {
    const meter = new Meter(total, done);
    const bar = new SingleBar(
      {
        format: `${task.padEnd(9)} {bar} {value}/{total} ${unit}  {rate}/s  ETA {left}`,
        stream: process.stderr,
        hideCursor: true,
        barsize: 28,
        fps: 8,
      },
      Presets.rect,
    );
    const payload = () => ({ rate: formatRate(meter.rate), left: formatDuration(meter.eta) });
    bar.start(total, done, payload());
    this.bars++;
    let finished = false;
    return {
      advance: (units) => {
        meter.done += units;
        bar.update(Math.min(total, meter.done), payload());
      },
      finish: () => {
        if (finished) return;
        finished = true;
        this.bars--;
        bar.update(Math.min(total, meter.done), payload());
        bar.stop();
      },
    };
  }

  note(message: string): void {
    // A note takes the line of a bar, which is then drawn anew below it.
    process.stderr.write(`${this.bars > 0 ? CLEAR_LINE : ''}${message}\n`);
  }
}

const LINE_EVERY_SECONDS = 5;

/** A line at the start, every few seconds and at the end, for logs and batch jobs. */
class LineProgress implements Progress {
  start(task: string, total: number, unit: string, done = 0): ProgressTask {
    const meter = new Meter(total, done);
    let last = performance.now();
    let finished = false;
    const line = (text: string) => process.stderr.write(`${task}: ${text}\n`);
    if (done > 0) line(`${done}/${total} ${unit} were done before`);
    return {
      advance: (units) => {
        meter.done += units;
        const now = performance.now();
        if (now - last < LINE_EVERY_SECONDS * 1000) return;
        last = now;
        line(`${meter.done}/${total} ${unit}, ${formatRate(meter.rate)}/s, ETA ${formatDuration(meter.eta)}`);
      },
      finish: () => {
        if (finished) return;
        finished = true;
        line(
          `${meter.done}/${total} ${unit} in ${formatDuration(meter.seconds)}, ${formatRate(meter.rate)}/s`,
        );
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
