// Writes what radiomics.py reads: features, rows, folds and targets of every trial of the sweeps in GOLDEN_PARTS.
//
//   node --import tsx test/execute/golden/radiomics-inputs.ts /tmp/inputs.json
//   python test/execute/golden/radiomics.py /tmp/inputs.json
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patientFolds } from '../../../src/data/folds.js';
import { openDatasets, openSources, splitOf } from '../../../src/execute/open.js';
import { makeStores, storeKey, storesOf } from '../../../src/execute/stores.js';
import { readRadiomics } from '../../../src/radiomics/store.js';
import { expandTrials } from '../../../src/sweep/expand.js';
import { targetsOf } from '../../../src/train/evaluate-trial.js';
import { prepareTrials, rowsOf } from '../../../src/train/trial-rows.js';
import { GOLDEN_PARTS, radiomicsConfig } from '../radiomics-config.js';
import { optionsOf } from '../tiny-sweep.js';

const folder = mkdtempSync(join(tmpdir(), 'thaw-golden-'));
const trials: object[] = [];
let features: number[][] | undefined;
for (const [part, set] of Object.entries(GOLDEN_PARTS)) {
  const config = radiomicsConfig(folder, set);
  const specs = [...expandTrials(config)];
  const needed = { datasets: new Set(['drawn']), sources: new Set(['radiomics']) };
  const [datasets, sources] = [await openDatasets(config, needed), await openSources(config, needed)];
  const stores = await makeStores(datasets, sources, storesOf(specs), { ...optionsOf(config), threads: 1 });
  const opened = datasets.get('drawn')!;
  const images = stores.images.get('drawn')!;
  const { names, values } = await readRadiomics(stores.radiomics.get(storeKey(specs[0]!))!);
  features ??= Array.from({ length: values.length / names.length }, (_, row) => [
    ...values.subarray(row * names.length, (row + 1) * names.length),
  ]);
  const task = opened.tasks.get(specs[0]!.task)!;
  const inputs = { dataset: opened.dataset, task, split: splitOf(opened, images), images };
  for (const { spec, subset, validationRows } of prepareTrials(inputs, specs).ready) {
    const testRows = rowsOf(task, inputs.split.test);
    const outputs = task.outputNames.length;
    const patients = Array.from(subset.rows, (row) => opened.dataset.entries[row]!.patient);
    const targets = targetsOf(task, subset.rows);
    const folds = patientFolds({ patients, targets, outputs }, spec.regression!.folds, spec.seed);
    const set = (rows: Uint32Array) => ({ rows: [...rows], targets: [...targetsOf(task, rows)] });
    trials.push({
      part,
      kind: task.kind,
      n: spec.n,
      seed: spec.seed,
      outputs,
      strengths: spec.regression!.strengths,
      balanced: spec.regression!.classWeights === 'balanced',
      folds: [...folds],
      train: set(subset.rows),
      validation: set(validationRows),
      test: set(testRows),
    });
  }
}
writeFileSync(process.argv[2]!, JSON.stringify({ features, trials }));
rmSync(folder, { recursive: true });
