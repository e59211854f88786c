import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Progress, silent } from '../../src/base/progress.js';
import type { ExecutionOptions, ExecutionSummary, Executor } from '../../src/execute/executor.js';
import type { SweepOptions } from '../../src/execute/run-sweep.js';
import type { Shard } from '../../src/execute/shard.js';
import type { SweepConfig } from '../../src/sweep/config.js';
import { parseFilter } from '../../src/sweep/filter.js';
import { parseConfig } from '../../src/sweep/read-config.js';

export const randomCard = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));

/** A folder that is removed when the test ends. */
export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-sweep-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TinyParts {
  /** Lines under `sources:`. */
  readonly sources?: string;
  readonly split?: string;
  readonly epochs?: number;
  readonly set?: readonly string[];
}

/** 60 small simulated radiographs, two tasks, two sizes: 4 trials a source. */
export function tinyConfig(folder: string, parts: TinyParts = {}): SweepConfig {
  const {
    sources = `  random: { card: ${randomCard} }`,
    split = '{ kind: random, seed: 0 }',
    epochs = 3,
  } = parts;
  const text = `name: tiny
out: run
cache: cache
data:
  drawn:
    kind: phantom-chest
    images: 60
    patients: 40
    size: 32
    prevalence: { Effusion: 0.4, Cardiomegaly: 0.4, Infiltration: 0.4 }
    image: { size: 32 }
    split: ${split}
tasks:
  findings: { kind: multilabel, labels: [Effusion, Cardiomegaly, Infiltration] }
  effusion: { kind: binary, positive: Effusion }
sources:
${sources}
training: { epochs: ${epochs}, batch: 8 }
grid: { n: [10, 20] }
`;
  mkdirSync(folder, { recursive: true });
  return parseConfig(text, { file: join(folder, 'tiny.yaml'), set: parts.set ?? [] });
}

export function optionsOf(
  config: SweepConfig,
  changes: { filter?: string; progress?: Progress } = {},
): SweepOptions {
  return {
    out: config.out,
    cache: config.cache,
    filter: parseFilter(changes.filter ?? ''),
    workers: 1,
    device: 'cpu',
    extractor: 'auto',
    cacheLimit: config.cacheLimit ?? 0,
    retryFailed: false,
    failFast: false,
    progress: changes.progress ?? silent,
    signal: new AbortController().signal,
  };
}

/** Keeps the shard it was handed and runs nothing. */
export class KeepingExecutor implements Executor {
  shard: Shard | undefined;

  run(shard: Shard, _options: ExecutionOptions): Promise<ExecutionSummary> {
    this.shard = shard;
    const left = shard.units.reduce((sum, unit) => sum + unit.trials.length, 0);
    return Promise.resolve({ ok: 0, failed: 0, left });
  }
}
