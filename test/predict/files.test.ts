import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DistinctNames, listImages, shownPath } from '../../src/predict/files.js';
import { goldenPath } from '../image/dicom/golden.js';
import { temporaryFolder } from '../image/fixtures.js';

test('files, folders and patterns, each file once', async (t) => {
  const folder = await temporaryFolder(t);
  const at = (...parts: string[]) => join(folder, ...parts);
  mkdirSync(at('in', 'deep [1]', 'deeper'), { recursive: true });
  mkdirSync(at('empty'));
  for (const name of ['b.PNG', 'a.jpg', 'notes.txt', 'table.csv', '.hidden.png', 'README'])
    writeFileSync(at('in', name), 'x');
  writeFileSync(at('in', 'deep [1]', 'c.tiff'), 'x');
  copyFileSync(goldenPath('explicit16.dcm'), at('in', 'deep [1]', 'deeper', 'IM0001'));
  copyFileSync(goldenPath('explicit16.dcm'), at('in', 'deep [1]', 'deeper', '1.2.840.5'));
  const list = async (...paths: string[]) =>
    (await listImages(paths.map((path) => at(path)))).map((file) => file.slice(folder.length + 1));

  const deeper = ['in/deep [1]/deeper/1.2.840.5', 'in/deep [1]/deeper/IM0001'];
  assert.deepEqual(await list('in'), ['in/a.jpg', 'in/b.PNG', 'in/deep [1]/c.tiff', ...deeper]);
  assert.deepEqual(await list('in/b.PNG', 'in/*.jpg', 'in/b.PNG'), ['in/b.PNG', 'in/a.jpg']);
  assert.deepEqual(await list('in/**/c.*'), ['in/deep [1]/c.tiff']);
  assert.deepEqual(await list('in/**/IM00?1'), [deeper[1]]);
  assert.deepEqual(await list('in/deep [1]/*.tiff'), ['in/deep [1]/c.tiff']);
  // A file that is named is taken, whatever it is, and so is one that is not there.
  assert.deepEqual(await list('in/notes.txt', 'in/none.png'), ['in/notes.txt', 'in/none.png']);
  await assert.rejects(list('empty'), { code: 'CONFIG', message: /empty: no image was found/ });
  await assert.rejects(list('in/*.gif'), { code: 'CONFIG', message: /\*\.gif: no image was found/ });
  await assert.rejects(list('nowhere/*.png'), { code: 'IO', message: /nowhere: cannot read/ });
});

test('names that are distinct, and paths as the user knows them', () => {
  const names = new DistinctNames();
  assert.deepEqual(
    ['a', 'b', 'a', 'a-2', 'a'].map((name) => names.of(name)),
    ['a', 'b', 'a-2', 'a-2-2', 'a-3'],
  );
  assert.equal(shownPath('/data/in/a.png', '/data'), 'in/a.png');
  assert.equal(shownPath('/data/a.png', '/data/in'), '/data/a.png');
});
