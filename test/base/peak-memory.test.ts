import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PeakMemory } from '../../src/base/peak-memory.js';

/** Resident for as long as it is held; written to, or it would not be. */
function hold(mebibytes: number): Uint8Array {
  return new Uint8Array(mebibytes * 2 ** 20).fill(1);
}

test('a meter counts from when it was made: what was held and given back before is left out', {
  skip: new PeakMemory().isOwn ? false : '/proc/self/clear_refs cannot be written on this system',
}, async () => {
  const first = new PeakMemory();
  assert.ok(first.isOwn);
  let block: Uint8Array | undefined = hold(256);
  const high = first.mebibytes;
  assert.ok(high > 256 + 20, String(high));
  assert.equal(block.length, 256 * 2 ** 20);
  block = undefined;
  globalThis.gc?.();
  const deadline = Date.now() + 10_000;
  // Node gives freed buffers back when it collects, which more of them make it do.
  while (process.memoryUsage().arrayBuffers > 200e6 && Date.now() < deadline) {
    hold(8);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const second = new PeakMemory();
  assert.ok(second.mebibytes < high - 200, `${second.mebibytes} after ${high}`);
  const again = hold(64);
  assert.ok(second.mebibytes < high - 100 && second.mebibytes > 64, String(second.mebibytes));
  assert.equal(again[0], 1);
});

test('where the mark cannot be set the peak is that of the process', (t) => {
  const meter = new PeakMemory('/nowhere');
  assert.equal(meter.isOwn, false);
  assert.ok(Math.abs(meter.mebibytes - process.resourceUsage().maxRSS / 1024) < 64);
  const folder = mkdtempSync(join(tmpdir(), 'thaw-proc-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // A system without the line.
  writeFileSync(join(folder, 'status'), 'Name:\tnode\n');
  assert.equal(new PeakMemory(folder).isOwn, false);
  writeFileSync(join(folder, 'status'), 'VmPeak:\t  999 kB\nVmHWM:\t  20480 kB\nVmRSS:\t 1 kB\n');
  const made = new PeakMemory(folder);
  assert.deepEqual([made.isOwn, made.mebibytes], [true, 20]);
  assert.equal(readFileSync(join(folder, 'clear_refs'), 'utf8'), '5');
});
