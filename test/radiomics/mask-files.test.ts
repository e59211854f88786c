import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { maskFinder, stemOf } from '../../src/radiomics/mask-files.js';
import { temporaryFolder } from '../image/fixtures.js';

test('names without extension', () => {
  for (const [path, stem] of [
    ['/a/b.nii.gz', 'b'],
    ['b.NII', 'b'],
    ['b.c.png', 'b.c'],
    ['/x.y/b', 'b'],
  ])
    assert.equal(stemOf(path!), stem);
});

test('one file, a folder with equal names, templates', async (t) => {
  const folder = await temporaryFolder(t);
  for (const path of [
    'masks/a.png',
    'masks/x/b.nii.gz',
    'masks/y/b.nii.gz',
    'masks/c.png',
    'masks/c.tif',
    'masks/d.txt',
  ]) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), '');
  }
  const one = await maskFinder('masks/a.png', folder);
  assert.equal(one('/any/image.dcm'), join(folder, 'masks/a.png'));
  const find = await maskFinder('masks', folder);
  assert.equal(find('/images/a.dcm'), join(folder, 'masks/a.png'));
  assert.equal(find('/images/x/b.nii.gz'), join(folder, 'masks/x/b.nii.gz'));
  assert.equal(find('/images/y/b.png'), join(folder, 'masks/y/b.nii.gz'));
  assert.match(
    (find('/images/b.png') as { missing: string }).missing,
    /there are 2 masks 'b\.\*' in .*x\/b\.nii\.gz, y\/b/,
  );
  assert.match((find('/images/c.png') as { missing: string }).missing, /there are 2 masks 'c\.\*'/);
  assert.match((find('/images/d.png') as { missing: string }).missing, /there is no mask 'd\.\*'/);
  assert.match(
    (find(join(folder, 'masks/a.png')) as { missing: string }).missing,
    /no mask 'a\.\*'/,
    'not the image itself',
  );
  const beside = await maskFinder('{dir}/{stem}_seg.nii.gz', folder);
  assert.equal(beside('/ct/a.nii.gz'), '/ct/a_seg.nii.gz');
  const named = await maskFinder('m/{name}', folder);
  assert.equal(named('/ct/a.png'), join(folder, 'm/a.png'));
});

test('what is no file, folder or template is refused', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(maskFinder('nowhere', folder), {
    code: 'CONFIG',
    message: /no file or folder 'nowhere'.*\{stem\}/,
  });
  await assert.rejects(maskFinder('{stm}.png', folder), {
    code: 'CONFIG',
    message: /'\{stm\}' stands for nothing.*'stem'/,
  });
  await assert.rejects(maskFinder('{stem', folder), /'\{stem' stands for nothing/);
});
