import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { loadDataset } from '../../src/data/load.js';
import { folderWith } from './fixture.js';
import { forEachInput, Mutator } from './mutation.js';

const INPUTS = 10_000;
/** More than the process takes for itself while it works, far less than one wrong size would. */
const MOST_MEGABYTES = 400;

const TOKENS = [
  '(1099511627776,)',
  '(9, 6, 4)',
  '(0, 6, 4)',
  '(-1, 6)',
  '()',
  "'|O'",
  "'<f8'",
  "'>i8'",
  "'<U9'",
  'True',
  '{',
  '}',
  '\x93NUMPY',
]
  .map((text) => Buffer.from(text, 'latin1'))
  .concat(
    [
      'ffffffff',
      'ffffffffffffffff',
      '7fffffff',
      '00000000',
      '504b0506',
      '504b0102',
      '504b0304',
      '504b0607',
      '0100',
      'ff7f',
    ].map((hex) => Buffer.from(hex, 'hex')),
  );

const originals = ['deflated', 'stored', 'fortran', 'version-2'].map((name) => {
  const bytes = readFileSync(new URL(`golden/npz/${name}.npz`, import.meta.url));
  return { bytes, mutator: new Mutator(13, TOKENS, places(bytes)) };
});

/** Offsets of all headers: of the archive's end, its directory, its members, and arrays that are stored. */
function places(bytes: Buffer): number[] {
  const found: number[] = [];
  for (const mark of ['504b0102', '504b0304', '504b0506', '934e554d5059']) {
    const wanted = Buffer.from(mark, 'hex');
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) found.push(at);
  }
  return found;
}

test(`${INPUTS} damaged archives: a typed error or whole images, in bounded memory`, {
  timeout: 300_000,
}, async (t) => {
  const root = folderWith(t, {});
  const before = process.resourceUsage().maxRSS;
  const slowest = { input: -1, milliseconds: 0 };
  let read = 0;
  await forEachInput(INPUTS, async (input, lane) => {
    const { bytes, mutator } = originals[input % originals.length]!;
    writeFileSync(join(root, `${lane}.npz`), mutator.mutate(bytes, input));
    const start = performance.now();
    try {
      await readAll(root, `${lane}.npz`);
      read++;
    } catch (error) {
      if (!(error instanceof ThawError)) throw new Error(`input ${input}`, { cause: error });
      assert.equal(error.code, 'DATA', error.message);
    }
    const milliseconds = performance.now() - start;
    if (milliseconds > slowest.milliseconds) Object.assign(slowest, { input, milliseconds });
  });
  assert.ok(read > INPUTS / 50 && read < INPUTS, `${read} read`);
  assert.ok(slowest.milliseconds < 10_000, `input ${slowest.input} took ${slowest.milliseconds} ms`);
  const megabytes = (process.resourceUsage().maxRSS - before) / 1024;
  assert.ok(megabytes < MOST_MEGABYTES, `${megabytes} MB`);
});

async function readAll(root: string, file: string): Promise<void> {
  const { entries, labels, labelNames, embedded } = await loadDataset('made', {
    kind: 'medmnist',
    root,
    file,
  });
  assert.equal(labels.length, entries.length * labelNames.length);
  assert.ok(labels.every((value) => value === 0 || value === 1 || Number.isNaN(value)));
  for (const row of entries.keys()) {
    const { width, height, channels, data } = await embedded!.read(row);
    assert.equal(data.length, width * height * channels);
  }
}
