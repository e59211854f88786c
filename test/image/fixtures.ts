import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Progress } from '../../src/base/progress.js';
import type { Dataset } from '../../src/data/dataset.js';
import { encodePng } from './png.js';

/** A folder that the test's end removes. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-image-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function datasetOf(root: string, paths: readonly string[]): Dataset {
  return {
    name: 'test',
    root,
    entries: paths.map((path, i) => ({ path, patient: String(i) })),
    labelNames: [],
    labels: new Float32Array(0),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: true,
    notes: [],
  };
}

/** Writes `0.png` … of `side` × `side` pixels; image i has the value (i + x + y) mod 251 at (x, y). */
export async function writeRamps(folder: string, images: number, side: number): Promise<string[]> {
  const paths = Array.from({ length: images }, (_, i) => `${i}.png`);
  for (const [i, path] of paths.entries()) await writeFile(join(folder, path), encodePng(ramp(i, side)));
  return paths;
}

export function ramp(i: number, side: number) {
  const samples = Array.from(
    { length: side * side },
    (_, p) => (i + (p % side) + Math.floor(p / side)) % 251,
  );
  return { width: side, height: side, colour: 'grey', depth: 8, samples } as const;
}

export interface RecordedProgress extends Progress {
  readonly notes: string[];
  readonly tasks: {
    task: string;
    total: number;
    unit: string;
    done: number;
    advanced: number;
    finished: boolean;
  }[];
}

export function recordProgress(): RecordedProgress {
  const notes: string[] = [];
  const tasks: RecordedProgress['tasks'] = [];
  return {
    notes,
    tasks,
    note: (message) => notes.push(message),
    start: (task, total, unit, done = 0) => {
      const record = { task, total, unit, done, advanced: 0, finished: false };
      tasks.push(record);
      return {
        advance: (units) => {
          record.advanced += units;
        },
        finish: () => {
          record.finished = true;
        },
      };
    },
  };
}

/** A small file system is needed to fill it: why there can be none. */
export function cannotMount(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'mounting a small tmpfs needs root on Linux';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'this system does not let the test mount a tmpfs';
  }
}
