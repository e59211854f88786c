import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createProgress, formatDuration } from '../../src/cli/progress.js';

/** What is written to standard error from now on. */
function captured(t: TestContext): string[] {
  const written: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => {
    written.push(String(text));
    return true;
  });
  return written;
}

/** A clock that stands still until it is moved on. */
function clock(t: TestContext): { seconds: number } {
  const time = { seconds: 0 };
  t.mock.method(performance, 'now', () => 1000 * time.seconds);
  return time;
}

test('durations', () => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [-3, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.6, '1 h 00 min'],
    [7800, '2 h 10 min'],
    [100 * 3600, '100 h 00 min'],
    [Number.POSITIVE_INFINITY, '?'],
    [Number.NaN, '?'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text, String(seconds));
});

test('lines for logs: every five seconds and at the end, the rate of this run alone', (t) => {
  const time = clock(t);
  const written = captured(t);
  const task = createProgress(false).start('trials', 100, 'trials', 40);
  time.seconds = 2;
  task.advance(10);
  time.seconds = 6;
  task.advance(2);
  time.seconds = 8;
  task.advance(28, 3);
  task.advance(20);
  task.finish();
  task.finish();
  t.mock.restoreAll();
  assert.deepEqual(written, [
    'trials: 40/100 trials were done before\n',
    // 12 in 6 s; 48 are left.
    'trials: 52/100 trials, 2.0/s, ETA 24 s\n',
    'trials: 100/100 trials, 3 failed in 8 s, 7.5/s\n',
  ]);
});

test('notes are lines of their own', (t) => {
  const written = captured(t);
  createProgress(false).note('a worker died');
  const terminal = createProgress(true);
  terminal.note('before any bar');
  const task = terminal.start('trials', 10, 'trials');
  terminal.note('on the line of a bar');
  task.finish();
  task.finish();
  terminal.note('after all bars');
  t.mock.restoreAll();
  const notes = written.filter((text) => /died|bars?\n/.test(text));
  assert.deepEqual(notes, [
    'a worker died\n',
    'before any bar\n',
    'on the line of a bar\n',
    'after all bars\n',
  ]);
});
