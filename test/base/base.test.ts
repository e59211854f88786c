import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { ioError, writeFileAtomic } from '../../src/base/files.js';
import { canonicalJson, contentId, sha256, sha256File } from '../../src/base/hash.js';

test('canonical JSON does not depend on the order of keys', () => {
  assert.equal(
    canonicalJson({ b: [1, 2.5], a: { d: null, c: 'x' } }),
    '{"a":{"c":"x","d":null},"b":[1,2.5]}',
  );
  assert.equal(contentId({ a: 1, b: 2 }), contentId({ b: 2, a: 1 }));
  assert.notEqual(contentId({ a: 1 }), contentId({ a: '1' }));
  assert.throws(() => canonicalJson({ lr: Number.NaN }));
});

test('SHA-256 gives the published answer for "abc", in memory and from a file', async () => {
  const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(sha256('abc'), known);
  const file = join(mkdtempSync(join(tmpdir(), 'thaw-')), 'abc');
  writeFileSync(file, 'abc');
  assert.equal(await sha256File(file), known);
});

test('an error names file, row, column and node, and what to do', () => {
  const error = new ThawError('CONFIG', 'expected a number but received "x".', {
    file: 'sweep.yaml',
    row: 3,
    column: 7,
    node: 'grid.lr',
    hint: 'Write 0.001.',
  });
  assert.equal(error.message, 'sweep.yaml:3:7 (grid.lr): expected a number but received "x". Write 0.001.');
  assert.equal(error.summary, 'expected a number but received "x".');
  assert.equal(
    ioError(Object.assign(new Error('x'), { code: 'ENOSPC' }), 'f', 'write').message.includes('disk is full'),
    true,
  );
});

test('an atomic write leaves either the whole new file or the old one, and no temporary file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-'));
  const file = join(folder, 'deep', 'a.json');
  await writeFileAtomic(file, 'one');
  await writeFileAtomic(file, 'two');
  assert.equal(readFileSync(file, 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['a.json']);
});

test('a folder that cannot be written is an IO error naming the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-'));
  writeFileSync(join(folder, 'file'), '');
  const target = join(folder, 'file', 'a.json');
  await assert.rejects(writeFileAtomic(target, 'x'), (error: ThawError) => {
    assert.equal(error.code, 'IO');
    assert.equal(error.place.file, target);
    return true;
  });
});
