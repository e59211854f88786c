import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Dataset, DatasetEntry } from '../../src/data/dataset.js';

/** A temporary folder with the given files (path → content), removed after the test. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = mkdtempSync(join(tmpdir(), 'thaw-data-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** Empty files of these names. */
export function emptyFiles(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, '']));
}

/** A data set in memory: per row a patient, its labels, and a split where there is one. */
export function datasetOf(
  labelNames: readonly string[],
  rows: readonly {
    readonly patient: string;
    readonly labels: readonly number[];
    readonly split?: DatasetEntry['split'];
  }[],
  exclusive = false,
): Dataset {
  return {
    name: 'made',
    root: '/data',
    entries: rows.map(({ patient, split }, row) => ({
      path: `${row}.png`,
      patient,
      ...(split === undefined ? {} : { split }),
    })),
    labelNames,
    labels: Float32Array.from(rows.flatMap(({ labels }) => labels)),
    exclusive,
    missingImages: 0,
    patientsAssumed: false,
    notes: [],
  };
}
