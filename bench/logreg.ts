import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomStream, STREAM } from '../src/base/random.js';
import { patientFolds } from '../src/data/folds.js';
import { fitLogisticRegressions, type RegressionFit } from '../src/radiomics/logistic-regression.js';
import type { RegressionSet, RegressionTable, RegressionTask } from '../src/radiomics/regression-input.js';
import { PAPER_REGRESSION } from '../src/radiomics/regression-options.js';
import type { BenchLine, BenchOptions } from './bench.js';
import { JsonProcess, peerScript } from './json-process.js';

/** The paper's ladder of small sizes, seeds and features. */
const SIZES = [50, 100, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000];
const SEEDS = 10;
const FEATURES = 79;
const FOLDS = 5;
const ROWS = 20_000;
const THREADS = 2;
const ROUNDS = 3;
/** Problems of each size that the peer solves; the rest of a size is taken to last as long. */
const SAMPLE = 6;
/** scikit-learn's default and its Newton method, the faster of these two on such data. */
const SOLVERS = ['lbfgs', 'newton-cholesky'] as const;
/** How frequent the 14 labels of ChestX-ray14 are. */
const RATES = [
  0.103, 0.025, 0.119, 0.177, 0.052, 0.056, 0.013, 0.047, 0.042, 0.021, 0.022, 0.015, 0.03, 0.002,
];

/**
 * The ladder of logistic regressions of a sweep: seconds for 14 labels × 12 N × 10 seeds, each with C from 10 values by 5-fold
 * cross-validation on ROC AUC, 79 correlated features; against scikit-learn's LogisticRegressionCV on as many threads, which
 * solves a sample of each size and is extrapolated. Problems that have a fold without one of the classes count for neither.
 */
export async function* run({ peerPython }: BenchOptions): AsyncIterable<BenchLine> {
  const table = drawTable();
  const task = drawLabels(table);
  const sets = SIZES.flatMap((size) => Array.from({ length: SEEDS }, (_, seed) => subset(task, size, seed)));
  const seconds: number[] = [];
  let fits: RegressionFit[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    fits = await fitLogisticRegressions(table, sets, PAPER_REGRESSION, { threads: THREADS });
    seconds.push((performance.now() - started) / 1000);
  }
  const ours = seconds.sort((a, b) => a - b)[ROUNDS >> 1]!;
  if (peerPython === undefined) yield line('ladder', ours, null);
  else yield* againstScikitLearn(peerPython, table, sets, fits, ours);
}

async function* againstScikitLearn(
  python: string,
  table: RegressionTable,
  sets: readonly RegressionSet[],
  fits: readonly (readonly RegressionFit[])[],
  ours: number,
): AsyncIterable<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-bench-'));
  const peer = new JsonProcess(python, [peerScript('logreg.py')]);
  try {
    const path = join(folder, 'features.bin');
    await writeFile(path, new Uint8Array(table.values.buffer));
    await peer.ask({ do: 'open', path, rows: ROWS, columns: FEATURES, threads: THREADS });
    // Its processes start with the first work.
    await peer.ask({ do: 'fit', solver: 'lbfgs', problems: sampleOf(sets, fits, 400).problems });
    for (const solver of SOLVERS) {
      let theirs = 0;
      for (const size of SIZES) {
        const { problems, all } = sampleOf(sets, fits, size);
        if (problems.length === 0) continue;
        const answer = await peer.ask<{ seconds: number }>({ do: 'fit', solver, problems });
        theirs += (answer.seconds / problems.length) * all;
      }
      yield line(`ladder-${solver}`, ours, theirs);
    }
  } finally {
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Problems of a size that can be cross-validated on every fold: how many, and some of them, spread over seeds and labels. */
function sampleOf(sets: readonly RegressionSet[], fits: readonly (readonly RegressionFit[])[], size: number) {
  const usable = sets.flatMap((set, index) =>
    set.rows.length !== size
      ? []
      : fits[index]!.flatMap((fit, output) =>
          fit.outcome === 'cross-validated' && fit.crossValidation[0]!.folds.every((auc) => auc !== null)
            ? [{ set, output }]
            : [],
        ),
  );
  const step = usable.length / SAMPLE;
  const chosen =
    usable.length <= SAMPLE
      ? usable
      : Array.from({ length: SAMPLE }, (_, i) => usable[Math.floor((i + 0.5) * step)]!);
  const problems = chosen.map(({ set, output }) => ({
    rows: [...set.rows],
    folds: [...set.folds!],
    targets: Array.from(set.rows, (row) => set.task.targets[row * RATES.length + output]!),
  }));
  return { problems, all: usable.length };
}

function line(name: string, ours: number, peer: number | null): BenchLine {
  const digits = (value: number) => Number(value.toPrecision(4));
  return {
    bench: 'logreg',
    case: name,
    ours: digits(ours),
    peer: peer === null ? null : digits(peer),
    ratio: peer === null ? null : digits(peer / ours),
    unit: 's',
  };
}

/** Texture features are close to each other: twelve factors of falling weight, and some noise of each feature's own. */
function drawTable(): RegressionTable {
  const random = new RandomStream(1, STREAM.phantom);
  const factors = 12;
  const loadings = Float64Array.from({ length: factors * FEATURES }, () => random.normal());
  const values = new Float64Array(ROWS * FEATURES);
  for (let row = 0; row < ROWS; row++) {
    const scores = Float64Array.from({ length: factors }, () => random.normal());
    for (let column = 0; column < FEATURES; column++) {
      let value = 0.03 * (1 + (column % 7)) * random.normal();
      for (let factor = 0; factor < factors; factor++) {
        value += (scores[factor]! * loadings[factor * FEATURES + column]!) / (1 + factor);
      }
      values[row * FEATURES + column] = 100 + 10 * value;
    }
  }
  return { names: Array.from({ length: FEATURES }, (_, column) => `feature ${column}`), values };
}

/** A label follows one feature, loosely. */
function drawLabels({ values }: RegressionTable): RegressionTask {
  const random = new RandomStream(2, STREAM.phantom);
  const targets = new Float64Array(ROWS * RATES.length);
  for (let row = 0; row < ROWS; row++) {
    for (const [label, rate] of RATES.entries()) {
      const logit = Math.log(rate / (1 - rate)) + 0.05 * (values[row * FEATURES + label * 5]! - 100);
      targets[row * RATES.length + label] = random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    }
  }
  return { outputNames: RATES.map((_, label) => `label ${label}`), targets };
}

/** The first rows of a seed's order, so that the larger contain the smaller; folds by patient, one image each. */
function subset(task: RegressionTask, size: number, seed: number): RegressionSet {
  const order = new RandomStream(seed, STREAM.subset).shuffle(
    Uint32Array.from({ length: ROWS }, (_, i) => i),
  );
  const rows = order.slice(0, size);
  const outputs = RATES.length;
  const targets = Array.from(rows).flatMap((row) =>
    Array.from({ length: outputs }, (_, output) => task.targets[row * outputs + output]!),
  );
  const folds = patientFolds({ patients: Array.from(rows, String), targets, outputs }, FOLDS, seed);
  return { task, rows, folds, predict: order.slice(size, size + 500) };
}
