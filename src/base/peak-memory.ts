import { readFileSync, writeFileSync } from 'node:fs';

/** Of proc(5): sets a process' high-water mark of resident memory to what is resident now. */
const RESET_HIGH_WATER = '5';

/**
 * The highest resident memory of this process since the meter was made: what the process held before and still holds is in it,
 * what it has given back is not. Linux only; elsewhere since the process began. Meters follow each other: a new one ends what
 * the one before it measures.
 */
export class PeakMemory {
  /** Whether what was before the meter is left out. */
  readonly isOwn: boolean;

  constructor(private readonly processFolder = '/proc/self') {
    this.isOwn = this.reset() && this.highWater() !== undefined;
  }

  get mebibytes(): number {
    return this.highWater() ?? process.resourceUsage().maxRSS / 1024;
  }

  private reset(): boolean {
    try {
      writeFileSync(`${this.processFolder}/clear_refs`, RESET_HIGH_WATER);
      return true;
    } catch {
      return false;
    }
  }

  /** MiB. */
  private highWater(): number | undefined {
    try {
      const status = readFileSync(`${this.processFolder}/status`, 'utf8');
      const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
    } catch {
      return undefined;
    }
  }
}
