import { csvField } from '../base/csv.js';
import type { Dataset } from '../data/dataset.js';
import type { Split } from '../data/split.js';
import type { ImageStore } from '../image/store.js';
import type { DataSummary, SplitSummary } from '../sweep/run-info.js';

/** Counts for the data section of the report and `thaw data check`. */
export function summarise(dataset: Dataset, split: Split, images: ImageStore | undefined): DataSummary {
  const patients = new Set(dataset.entries.map((entry) => entry.patient));
  return {
    dataset: dataset.name,
    root: dataset.root,
    labelNames: dataset.labelNames,
    images: dataset.entries.length,
    patients: patients.size,
    patientsAssumed: dataset.patientsAssumed,
    missingImages: dataset.missingImages,
    quarantine: images?.index.quarantine ?? [],
    splitMethod: split.method,
    splits: {
      train: summariseRows(dataset, split.train),
      validation: summariseRows(dataset, split.validation),
      test: summariseRows(dataset, split.test),
    },
    leakingPatients: split.leakingPatients,
    notes: dataset.notes,
  };
}

function summariseRows(dataset: Dataset, rows: Uint32Array): SplitSummary {
  const count = dataset.labelNames.length;
  const positives = new Array<number>(count).fill(0);
  const known = new Array<number>(count).fill(0);
  const patients = new Set<string>();
  for (const row of rows) {
    patients.add(dataset.entries[row]!.patient);
    for (let label = 0; label < count; label++) {
      const value = dataset.labels[row * count + label]!;
      if (Number.isNaN(value)) continue;
      known[label]!++;
      if (value === 1) positives[label]!++;
    }
  }
  return { images: rows.length, patients: patients.size, positives, known };
}

/** CSV `row,path,patient,split`: the row in all stores, and the part of the split (empty for quarantined images). */
export function splitTable(dataset: Dataset, split: Split): string {
  const parts = new Array<string>(dataset.entries.length).fill('');
  for (const name of ['train', 'validation', 'test'] as const) {
    for (const row of split[name]) parts[row] = name;
  }
  const lines = dataset.entries.map(
    ({ path, patient }, row) => `${row},${csvField(path)},${csvField(patient)},${parts[row]}\n`,
  );
  return `row,path,patient,split\n${lines.join('')}`;
}
