import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inOrder } from '../../src/base/in-order.js';

test('results come in order, however long each takes; lanes and reach are kept', async () => {
  const count = 40;
  const [lanes, ahead] = [3, 8];
  let atWork = 0;
  let most = 0;
  let waitedFor = 0;
  let furthest = 0;
  const results: number[] = [];
  const work = async (index: number) => {
    most = Math.max(most, ++atWork);
    furthest = Math.max(furthest, index - waitedFor);
    await sleep((index * 7) % 5);
    atWork--;
    return index * 10;
  };
  for await (const result of inOrder(count, { lanes, ahead }, work)) {
    results.push(result);
    waitedFor = results.length;
  }
  assert.deepEqual(
    results,
    Array.from({ length: count }, (_, index) => index * 10),
  );
  assert.equal(most, lanes);
  assert.ok(furthest < ahead, `${furthest} ahead`);
});

test('a slow item does not keep the lanes idle', async () => {
  const done: number[] = [];
  let go = () => {};
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  const results = inOrder(6, { lanes: 2, ahead: 6 }, async (index) => {
    if (index === 0) await slow;
    done.push(index);
    if (index === 5) go();
    return index;
  });
  for await (const _ of results);
  assert.deepEqual(done, [1, 2, 3, 4, 5, 0]);
});

test('the first error in order is thrown; what is at work is waited for and nothing more begins', async () => {
  const begun: number[] = [];
  let finished = 0;
  const run = async () => {
    for await (const _ of inOrder(100, { lanes: 2, ahead: 4 }, async (index) => {
      begun.push(index);
      await sleep(index === 1 ? 1 : 5);
      finished++;
      if (index === 1 || index === 2) throw new Error(`item ${index}`);
      return index;
    }));
  };
  await assert.rejects(run(), /item 1/);
  const afterwards = begun.length;
  assert.equal(finished, afterwards, 'nothing is still at work');
  assert.ok(afterwards < 8, `${afterwards} begun`);
  await sleep(20);
  assert.equal(begun.length, afterwards);
});

test('nothing to do, and a reader that stops', async () => {
  for await (const _ of inOrder(0, { lanes: 2, ahead: 4 }, async () => assert.fail())) assert.fail();
  const begun: number[] = [];
  for await (const result of inOrder(50, { lanes: 2, ahead: 4 }, async (index) => begun.push(index))) {
    assert.ok(result > 0);
    break;
  }
  await sleep(5);
  assert.ok(begun.length <= 5);
});
