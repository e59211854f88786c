import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { ThawError } from '../../../src/base/errors.js';
import { DicomPool } from '../../../src/image/dicom/pool.js';
import { renderDicom } from '../../../src/image/dicom/render.js';
import { sharedPath, skipWithout } from '../../shared-data.js';
import { golden, goldenPath } from './golden.js';

test('many files at once: the same pixels as in this thread, faults for the faulty ones alone', async () => {
  const pool = new DicomPool(2);
  const names = [...golden.synthetic.map(({ file }) => file), 'refused_frames.dcm', 'refused_short.dcm'];
  const outcomes = await Promise.allSettled(names.map((name) => pool.read(goldenPath(name), undefined)));
  for (const [i, outcome] of outcomes.entries()) {
    const name = names[i]!;
    if (name.startsWith('refused')) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof ThawError);
      assert.equal(outcome.reason.code, 'IMAGE');
      assert.equal(outcome.reason.place.file, goldenPath(name));
    } else {
      assert.ok(outcome.status === 'fulfilled');
      assert.deepEqual(outcome.value, renderDicom(readFileSync(goldenPath(name))), name);
    }
  }
});

test('a missing file is refused as other images are', async () => {
  await assert.rejects(new DicomPool(1).read('/nowhere/1.dcm', undefined), {
    code: 'IMAGE',
    message: '/nowhere/1.dcm: the file does not exist.',
  });
});

test('an image that takes too long is given up after a second attempt; the pool goes on', async () => {
  const pool = new DicomPool(1, 1);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(pool.read(goldenPath('explicit16.dcm'), undefined), {
      code: 'IMAGE',
      message: /cannot be decoded in reasonable time/,
    });
  }
});

test('the event loop runs on while a radiograph of 3.6 megapixels is decoded', {
  skip: skipWithout('data/dicom'),
}, async () => {
  const pool = new DicomPool(1);
  const path = sharedPath('data/dicom/chest_cr_j2k_mono1_15bit.dcm')!;
  await pool.read(path, undefined);
  const before = performance.eventLoopUtilization();
  await pool.read(path, undefined);
  const { utilization } = performance.eventLoopUtilization(before);
  assert.ok(utilization < 0.5, `busy for ${utilization} of the time`);
});
