import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { ThawError } from '../../src/base/errors.js';
import { type CsvSource, loadDataset } from '../../src/data/load.js';
import { Records } from '../../src/data/records.js';
import { emptyFiles, folderWith } from './fixture.js';
import { forEachInput, Mutator } from './mutation.js';

const INPUTS = 10_000;
const TOKENS = [
  '"',
  '""',
  '"\n',
  '\0',
  '\ufeff',
  '\r',
  '\r\n',
  '\n',
  ',',
  ';',
  '\t',
  ' "',
  '" ',
  ',"',
  '",',
  '|',
  '1e999',
  '-1',
  '..',
  '/',
]
  .map((text) => Buffer.from(text))
  .concat(
    Buffer.alloc(70_000, 'x'),
    Buffer.alloc(3000, '"'),
    Buffer.alloc(5000, ','),
    Buffer.from('\ufeff', 'utf16le'),
  );

const plain =
  'file,patient,sick,found,age,fold\na.png,1,1,Mass|Nodule,61,train\nb.png,2,0,,58,val\nc.png,2,-1,Mass,,test\n';
const quoted =
  '"file";"patient";"sick";"found";"age";"fold"\r\n"a.png";"O""Neil";"1";"Mass|x; y";"61";"train"\r\n "b.png" ;2;0;"two\r\nlines";;val\r\n';
const originals: readonly Buffer[] = [
  Buffer.from(plain),
  Buffer.from(quoted),
  Buffer.from(`\ufeff${plain}`, 'utf16le'),
  Buffer.from(plain.replaceAll('Mass', 'Müll'), 'latin1'),
  gzipSync(plain),
];

const labels: readonly CsvSource['columns']['labels'][] = [
  ['sick'],
  { column: 'found', separator: '|' },
  { class: 'found' },
  { class: 'age', bins: [30, 60] },
];

test(`${INPUTS} damaged tables: a typed error or a data set that fits together`, {
  timeout: 300_000,
}, async (t) => {
  const root = folderWith(t, emptyFiles(['a.png', 'b.png', 'c.png']));
  const mutator = new Mutator(11, TOKENS);
  let read = 0;
  await forEachInput(INPUTS, async (input, lane) => {
    writeFileSync(join(root, `${lane}.csv`), mutator.mutate(originals[input % originals.length]!, input));
    const source: CsvSource = {
      kind: 'csv',
      root,
      table: `${lane}.csv`,
      columns: {
        image: 'file',
        patient: 'patient',
        labels: labels[input % labels.length]!,
        age: 'age',
        split: 'fold',
      },
      allowMissing: input % 2 === 0,
      encoding: input % originals.length === 3 ? 'latin1' : undefined,
    };
    try {
      const dataset = await loadDataset('made', source);
      assert.equal(dataset.labels.length, dataset.entries.length * dataset.labelNames.length);
      assert.ok(dataset.labels.every((value) => value === 0 || value === 1 || Number.isNaN(value)));
      for (const { path, patient, age = 0 } of dataset.entries) {
        assert.ok(
          /^[abc]\.png$/.test(path) && patient !== '' && age >= 0 && age <= 120,
          `${path} ${patient} ${age}`,
        );
      }
      read++;
    } catch (error) {
      if (!(error instanceof ThawError)) throw error;
      assert.ok(['DATA', 'CONFIG'].includes(error.code), error.message);
    }
  });
  assert.ok(read > INPUTS / 20 && read < INPUTS, `${read} read`);
});

test(`${INPUTS} damaged texts: the same cells as csv-parse alone, or an error in both`, {
  timeout: 300_000,
}, () => {
  const mutator = new Mutator(12, TOKENS.slice(0, 20));
  let errors = 0;
  for (let input = 0; input < INPUTS; input++) {
    const [original, delimiter] = input % 2 === 0 ? ([plain, ','] as const) : ([quoted, ';'] as const);
    const text = mutator.mutate(Buffer.from(original), input).toString();
    const expected = outcome(() =>
      parse(text, {
        delimiter,
        record_delimiter: ['\r\n', '\n', '\r'],
        relax_column_count: true,
        trim: true,
      }),
    );
    const found = outcome(() => [...new Records(text, 'made.csv', delimiter)]);
    assert.deepEqual(found, expected, JSON.stringify(text));
    if (expected === undefined) errors++;
  }
  assert.ok(errors > INPUTS / 20 && errors < INPUTS / 2, `${errors} errors`);
});

/** Rows up to the last that is not blank; line ends within cells are one character. */
function outcome(read: () => string[][]): string[][] | undefined {
  try {
    const rows = read().map((cells) => cells.map((cell) => cell.replace(/\r\n|\r/g, '\n').trim()));
    return rows.slice(0, rows.findLastIndex((cells) => cells.some((cell) => cell !== '')) + 1);
  } catch {
    return undefined;
  }
}
