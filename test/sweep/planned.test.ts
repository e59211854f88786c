import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPlanned, writePlanned } from '../../src/sweep/planned.js';

test('the plan of a run is read back; a run without one has none; a broken one is named', async () => {
  const run = mkdtempSync(join(tmpdir(), 'thaw-'));
  assert.equal(await readPlanned(run), undefined);
  await writePlanned(run, { ids: ['a', 'b'] });
  assert.deepEqual(await readPlanned(run), { ids: ['a', 'b'] });
  writeFileSync(join(run, 'plan.json'), '{"ids": [');
  await assert.rejects(readPlanned(run), (error: Error) => error.message.includes(join(run, 'plan.json')));
});
