import assert from 'node:assert/strict';
import { appendFile, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MeasuredRow } from '../../../src/radiomics/measure.js';
import { RowJournal } from '../../../src/radiomics/table/journal.js';
import { temporaryFolder } from '../../image/fixtures.js';

const row = (value: number | null, problem: string | null = null): MeasuredRow => ({
  slice: null,
  label: 2.5,
  values: [value, Math.PI, 1e-320],
  conventional: 1,
  problem,
});
const cases: MeasuredRow[][] = [
  [row(0.1 + 0.2), row(null)],
  [row(-0)],
  [{ ...row(1, 'a "b",\n\u2028 c'), values: null }],
];

async function readAll(journal: RowJournal): Promise<(readonly MeasuredRow[])[]> {
  const found: (readonly MeasuredRow[])[] = [];
  for await (const rows of journal.read()) found.push(rows);
  return found;
}

test('rows come back as they were, and a run goes on behind them', async (t) => {
  const path = join(await temporaryFolder(t), 'sub', 'a.part');
  const first = await RowJournal.open(path, 'work');
  for (const rows of cases.slice(0, 2)) await first.append(rows);
  await first.flush();
  await first.close();
  const second = await RowJournal.open(path, 'work');
  assert.equal(second.cases, 2);
  await second.append(cases[2]!);
  await second.flush();
  assert.deepEqual(await readAll(second), [cases[0], [row(0)], cases[2]]);
  await second.remove();
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('a torn last line counts for nothing and is overwritten', async (t) => {
  const path = join(await temporaryFolder(t), 'a.part');
  const first = await RowJournal.open(path, 'work');
  for (const rows of cases) await first.append(rows);
  await first.flush();
  await first.close();
  const { size } = await stat(path);
  await truncate(path, size - 5);
  const second = await RowJournal.open(path, 'work');
  assert.equal(second.cases, 2);
  await second.append(cases[0]!);
  await second.flush();
  assert.deepEqual(await readAll(second), [cases[0], [row(0)], cases[0]]);
  await second.close();
  await appendFile(path, '[[null');
  const third = await RowJournal.open(path, 'work');
  assert.equal(third.cases, 3);
  await third.close();
});

test('other work begins anew, and so does a file that is no journal', async (t) => {
  const path = join(await temporaryFolder(t), 'a.part');
  const first = await RowJournal.open(path, 'work');
  await first.append(cases[0]!);
  await first.flush();
  await first.close();
  const other = await RowJournal.open(path, 'other work');
  assert.equal(other.cases, 0);
  assert.deepEqual(await readAll(other), []);
  await other.close();
  assert.doesNotMatch(await readFile(path, 'utf8'), /3\.14/);
  // A head that was torn.
  await truncate(path, 7);
  const third = await RowJournal.open(path, 'other work');
  assert.equal(third.cases, 0);
  await third.close();
});
