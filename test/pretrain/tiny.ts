import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silent } from '../../src/base/progress.js';
import { type PretrainConfig, parsePretrainConfig } from '../../src/pretrain/config.js';
import type { PretrainOptions } from '../../src/pretrain/pretrain.js';

export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-pretrain-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** 8 steps an epoch on 200 small simulated radiographs. */
const CONFIG = `name: tiny
out: models
cache: cache
seed: 4
data:
  kind: phantom-chest
  images: 200
  patients: 120
  size: 32
  seed: 11
  prevalence: { Effusion: 0.4, Cardiomegaly: 0.4 }
  image: { size: 32 }
task: { kind: multilabel, labels: [Effusion, Cardiomegaly] }
source:
  pretraining: random
  architecture: resnet(8,[1,1])
  randomSeed: 1
  input: { size: 32, channels: 1, scale: 0.00392156862745098, mean: [0.5], std: [0.25] }
training:
  epochs: 4
  batch: 16
  lr: 0.003
  policy: one-cycle
  augment: { flip: 0.5, crop: random, size: 28 }
  dropout: 0.2
output: { pretraining: chest-phantoms, site: chest, license: MIT, citation: none }
`;

export function tinyConfig(folder: string, set: readonly string[] = [], text = CONFIG): PretrainConfig {
  return parsePretrainConfig(text, { file: join(folder, 'tiny.yaml'), set });
}

/** One thread, and no more steps between two looks than asked for. */
export function optionsOf(changes: Partial<PretrainOptions> = {}): PretrainOptions {
  return {
    threads: 1,
    restart: false,
    checkpointSeconds: 600,
    secondsPerPart: 0,
    progress: silent,
    signal: new AbortController().signal,
    ...changes,
  };
}
