import assert from 'node:assert/strict';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { sha256File } from '../../../src/base/hash.js';
import type { MeasuredRow } from '../../../src/radiomics/measure.js';
import type { TableLayout } from '../../../src/radiomics/table/layout.js';
import { makeTable, type TableRequest } from '../../../src/radiomics/table/make.js';
import { writeParquet } from '../../../src/radiomics/table/parquet.js';
import { recordProgress, temporaryFolder } from '../../image/fixtures.js';

const FEATURES = ['a', 'b'];
const layout: TableLayout = {
  lead: [
    { name: 'image', type: 'text' },
    { name: 'label:x', type: 'number' },
  ],
  leadCells: (index) => [`im,age ${index}`, index % 2 === 0 ? null : 1],
  withSlices: true,
  withLabels: true,
  features: FEATURES,
};
const row = (index: number, slice: number): MeasuredRow => ({
  slice,
  label: slice === 0 ? null : 1.5,
  values: [index / 3, slice === 1 ? null : -1e300],
  conventional: slice,
  problem: null,
});
const bad: MeasuredRow = {
  slice: null,
  label: null,
  values: null,
  conventional: 0,
  problem: 'it is "damaged"',
};
const CASES = 30;
const rowsOf = (index: number): MeasuredRow[] => (index % 10 === 7 ? [bad] : [row(index, 0), row(index, 1)]);

function requestOf(out: string, changes: Partial<TableRequest> = {}): TableRequest & { asked: number[] } {
  const asked: number[] = [];
  return {
    out,
    format: 'csv',
    layout,
    cases: CASES,
    nameOf: (index) => `case ${index}`,
    identity: 'one',
    async *measure(first) {
      asked.push(first);
      for (let index = first; index < CASES; index++) yield rowsOf(index);
    },
    about: { settings: { bins: 32 } },
    progress: recordProgress(),
    signal: new AbortController().signal,
    asked,
    ...changes,
  };
}

const expected = Array.from({ length: CASES }, (_, index) => index).flatMap((index) =>
  rowsOf(index).map((each) => ({
    image: `im,age ${index}`,
    'label:x': index % 2 === 0 ? null : 1,
    slice: each.slice,
    mask_label: each.label,
    a: each.values?.[0] ?? null,
    b: each.values?.[1] ?? null,
    undefined: each.values === null ? 2 : each.values.filter((value) => value === null).length,
    by_convention: each.conventional,
    problem: each.problem,
  })),
);
const counts = { rows: 57, problems: 3, empty: 3, undefinedFeatures: 27 };

test('CSV: every row in order, undefined cells empty, and the file beside it', async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, 'new', 'f.csv');
  const request = requestOf(out);
  assert.deepEqual(await makeTable(request), counts);
  const records = parse(await readFile(out), { columns: true }) as Record<string, string>[];
  assert.deepEqual(
    records,
    expected.map((cells) =>
      Object.fromEntries(
        Object.entries(cells).map(([name, cell]) => [name, cell === null ? '' : String(cell)]),
      ),
    ),
  );
  assert.deepEqual((await readdir(join(folder, 'new'))).sort(), ['f.csv', 'f.csv.json']);
  const about = JSON.parse(await readFile(`${out}.json`, 'utf8'));
  assert.deepEqual(about, {
    settings: { bins: 32 },
    table: { format: 'csv', sha256: await sha256File(out), images: CASES, ...counts },
  });
  const { notes } = request.progress as ReturnType<typeof recordProgress>;
  assert.deepEqual(notes, [
    'case 7: it is "damaged"',
    'case 17: it is "damaged"',
    'case 27: it is "damaged"',
  ]);
});

test('Parquet: read back by hyparquet with types, nulls and metadata', async (t) => {
  const out = join(await temporaryFolder(t), 'f.parquet');
  assert.deepEqual(await makeTable(requestOf(out, { format: 'parquet' })), counts);
  const file = await asyncBufferFromFile(out);
  assert.deepEqual(await parquetReadObjects({ file }), expected);
  const { schema, key_value_metadata: metadata } = await parquetMetadataAsync(file);
  assert.deepEqual(
    schema.slice(1).map(({ name, type }) => `${name} ${type}`),
    [
      'image BYTE_ARRAY',
      'label:x DOUBLE',
      'slice INT32',
      'mask_label DOUBLE',
      'a DOUBLE',
      'b DOUBLE',
      'undefined INT32',
      'by_convention INT32',
      'problem BYTE_ARRAY',
    ],
  );
  assert.deepEqual(JSON.parse(metadata!.find(({ key }) => key === 'thaw')!.value!), {
    settings: { bins: 32 },
  });
});

test('a run that was stopped goes on with the same bytes; other work begins anew', async (t) => {
  const folder = await temporaryFolder(t);
  const whole = join(folder, 'whole.csv');
  await makeTable(requestOf(whole));
  const out = join(folder, 'f.csv');
  const stopping = requestOf(out, {
    async *measure() {
      for (let index = 0; index < 12; index++) yield rowsOf(index);
      throw new Error('killed');
    },
  });
  await assert.rejects(makeTable(stopping), /killed/);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('f.')),
    ['f.csv.part'],
  );
  const going = requestOf(out);
  await makeTable(going);
  assert.deepEqual(going.asked, [12]);
  assert.equal((going.progress as ReturnType<typeof recordProgress>).tasks[0]!.done, 12);
  assert.deepEqual(await readFile(out), await readFile(whole));
  await assert.rejects(makeTable({ ...stopping, identity: 'two' }), /killed/);
  const other = requestOf(out, { identity: 'three' });
  await makeTable(other);
  assert.deepEqual(other.asked, [0]);
});

test('a Parquet file of several row groups is whole', async (t) => {
  const out = join(await temporaryFolder(t), 'f.parquet');
  const handle = await open(out, 'w');
  async function* cases() {
    for (let index = 0; index < CASES; index++) yield rowsOf(index);
  }
  // Nine columns: eleven rows a group.
  const bytes = await writeParquet(handle, layout, cases(), '{}', 100);
  await handle.close();
  assert.equal(bytes, (await stat(out)).size);
  const file = await asyncBufferFromFile(out);
  const { row_groups: groups } = await parquetMetadataAsync(file);
  assert.deepEqual(
    groups.map(({ num_rows: rows }) => Number(rows)),
    [11, 11, 11, 11, 11, 2],
  );
  assert.deepEqual(await parquetReadObjects({ file }), expected);
});
