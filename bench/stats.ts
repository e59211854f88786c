import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RandomStream, STREAM } from '../src/base/random.js';
import { percentileInterval } from '../src/stats/bootstrap.js';
import { singleRows } from '../src/stats/clusters.js';
import { covarianceMatrix, estimateAuroc } from '../src/stats/influence.js';
import { drawResamples } from '../src/stats/resample.js';
import { meanOverLabels, resampledAurocs } from '../src/stats/resampled-auroc.js';
import { sortRows } from '../src/stats/sorted-scores.js';
import type { BenchLine, BenchOptions } from './bench.js';

/** ChestX-ray14's official test set: images, patients, and about its prevalences. */
const ROWS = 25_596;
const PATIENTS = 2797;
const RATES = [0.13, 0.04, 0.18, 0.24, 0.07, 0.06, 0.02, 0.1, 0.07, 0.04, 0.04, 0.02, 0.04, 0.003];
const REPLICATES = 2000;
const REPEATS = 5;
/** scikit-learn takes minutes for all; a few tell its time a replicate. */
const PEER_REPLICATES = 10;

/** DeLong of 14 labels, sorting included, and the patient-clustered bootstrap of their macro AUROC; medians of five, one thread. */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  const random = new RandomStream(1, STREAM.phantom);
  const of = Int32Array.from({ length: ROWS }, (_, row) => (row < PATIENTS ? row : random.integer(PATIENTS)));
  const labels = RATES.map((rate) => {
    const targets = Float32Array.from({ length: ROWS }, () => (random.uniform() < rate ? 1 : 0));
    return { targets, scores: Float32Array.from(targets, (target) => random.normal() + target) };
  });
  const rows = singleRows(ROWS);
  const sort = () => labels.map(({ scores, targets }) => sortRows(scores, targets));
  const delong = medianSeconds(() => {
    covarianceMatrix(sort().map((sorted) => estimateAuroc(sorted, rows)!));
  });
  yield line(`DeLong with covariances, ${ROWS} x ${RATES.length}`, delong * 1000, null, 'ms');
  const bootstrap = medianSeconds(() => {
    const resamples = drawResamples({ units: PATIENTS, replicates: REPLICATES, seed: 1 });
    const replicates = meanOverLabels(resampledAurocs(sort(), { count: PATIENTS, of }, resamples));
    percentileInterval(replicates[0]!, replicates);
  });
  const peer = peerPython === undefined ? null : peerSeconds(peerPython, labels, of) * REPLICATES;
  yield line(`${REPLICATES} patient-clustered replicates of macro AUROC`, bootstrap, peer, 's');
}

function line(name: string, ours: number, peer: number | null, unit: string): BenchLine {
  return { bench: 'stats', case: name, ours, peer, ratio: peer === null ? null : peer / ours, unit };
}

function medianSeconds(work: () => void): number {
  const seconds = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  });
  return seconds.sort((a, b) => a - b)[Math.floor(REPEATS / 2)]!;
}

function peerSeconds(
  python: string,
  labels: readonly { readonly scores: Float32Array; readonly targets: Float32Array }[],
  of: Int32Array,
): number {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-bench-stats-'));
  try {
    const write = (name: string, columns: readonly (Float32Array | Int32Array)[]) => {
      const path = join(folder, name);
      writeFileSync(path, Buffer.concat(columns.map(({ buffer }) => new Uint8Array(buffer))));
      return path;
    };
    const paths = [
      write(
        'scores',
        labels.map(({ scores }) => scores),
      ),
      write(
        'targets',
        labels.map(({ targets }) => targets),
      ),
      write('patients', [of]),
    ];
    const script = fileURLToPath(new URL('peers/stats.py', import.meta.url));
    const counts = [String(labels.length), String(PEER_REPLICATES)];
    return JSON.parse(execFileSync(python, [script, ...paths, ...counts], { encoding: 'utf8' })).seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
