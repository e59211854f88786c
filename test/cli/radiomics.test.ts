import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { decodeImage } from '../../src/image/decode.js';
import { extractRadiomics } from '../../src/radiomics/extract.js';
import { startThaw, temporaryFolder, thaw } from '../e2e/thaw.js';
import { golden as dicomGolden, goldenPath, momentsOf } from '../image/dicom/golden.js';
import { encodePng } from '../image/png.js';
import { phantom } from '../radiomics/phantom.js';
import { discMask, texture } from '../radiomics/textures.js';
import { sharedPath, skipWithout } from '../shared-data.js';

type Row = Readonly<Record<string, string>>;
const records = (text: string | Buffer) => parse(text, { columns: true }) as Row[];
const grey = (width: number, height: number, samples: ArrayLike<number>, depth: 8 | 16 = 8) =>
  encodePng({ width, height, colour: 'grey', depth, samples });

/** An uncompressed NIfTI-1 file of bytes. */
function nifti(width: number, height: number, slices: number, voxels: Uint8Array, spacing = 1): Buffer {
  const header = Buffer.alloc(352);
  header.writeInt32LE(348, 0);
  for (const [i, side] of [3, width, height, slices, 1, 1, 1, 1].entries())
    header.writeInt16LE(side, 40 + 2 * i);
  header.writeInt16LE(2, 70);
  header.writeInt16LE(8, 72);
  for (const i of [1, 2, 3]) header.writeFloatLE(spacing, 76 + 4 * i);
  header.writeFloatLE(352, 108);
  header.write('n+1\0', 344, 'latin1');
  return Buffer.concat([header, voxels]);
}

test('help names every flag, a mistake in one is status 2', async (t) => {
  const folder = temporaryFolder(t);
  const [help, wrong, short, nothing, list] = await Promise.all([
    thaw(['radiomics', '--help'], folder),
    thaw(['radiomics', 'x', '--binwidth', '3'], folder),
    thaw(['radiomics', 'x', '--range', '3'], folder),
    thaw(['radiomics'], folder),
    thaw(['radiomics', '--list'], folder),
  ]);
  assert.equal(help!.status, 0);
  for (const flag of [
    '--mask',
    '--label',
    '--features',
    '--filter',
    '--bin-width',
    '--slice',
    '--params',
    '--threads',
  ])
    assert.match(help!.stdout, new RegExp(flag));
  assert.equal(wrong!.status, 2);
  assert.match(wrong!.stderr, /binwidth/);
  assert.equal(short!.status, 2);
  assert.match(short!.stderr, /Not enough arguments following: range\n$/);
  assert.equal(nothing!.status, 1);
  assert.match(nothing!.stderr, /no image is named\..*--list/);
  const lines = list!.stdout.trim().split('\n');
  assert.equal(lines.length, 1 + 136 + 10 + 79);
  assert.match(lines.find((line) => line.startsWith('cm_contrast '))!, /ACUI +level² +IBSI 3\.6 +Contrast/);
});

const golden: {
  generated: { paper79: number[]; first_order: Record<string, number>; glcm: Record<string, number> };
} = JSON.parse(readFileSync(new URL('../radiomics/golden/radiomics.json', import.meta.url), 'utf8'));

test('a PNG has the features of scikit-image and SciPy, a DICOM file the values of pydicom', async (t) => {
  const folder = temporaryFolder(t);
  const [width, height] = [37, 29];
  // As `generated` of radiomics/golden/radiomics.py.
  const pixels = Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return (x * x * 3 + y * y * 5 + x * y * 7 + ((x * 31 + y * 17) % 13) * 9) % 251;
  });
  writeFileSync(join(folder, 'g.png'), grey(width, height, pixels));
  const near = (cell: string | undefined, expected: number) =>
    assert.ok(
      Math.abs(Number(cell) - expected) <= 1e-9 * Math.max(1e-3, Math.abs(expected)),
      `${cell} ${expected}`,
    );
  const { file, values } = dicomGolden.synthetic.find(
    (each) => each.values !== undefined && !readFileSync(goldenPath(each.file)).includes('MONOCHROME1'),
  )!;
  const [paper, ibsi, dicom] = await Promise.all([
    thaw(['radiomics', 'g.png', '--features', 'paper79'], folder),
    thaw(['radiomics', 'g.png', '--features', 'stat,cm', '--aggregation', 'average'], folder),
    thaw(['radiomics', goldenPath(file), '--features', 'stat_mean,stat_var'], folder),
  ]);
  for (const { status, stderr } of [paper!, ibsi!, dicom!]) assert.equal(status, 0, stderr);
  const [row] = records(paper!.stdout);
  const cells = Object.entries(row!);
  assert.deepEqual(cells[0], ['image', 'g.png']);
  for (const [i, expected] of golden.generated.paper79.entries()) near(cells[1 + i]![1], expected);
  const [other] = records(ibsi!.stdout);
  for (const [tag, expected] of Object.entries(golden.generated.first_order))
    near(other![`original_stat_${tag}`], expected);
  for (const [tag, expected] of Object.entries(golden.generated.glcm))
    near(other![`original_cm_${tag}_2D_avg`], expected);
  const { mean, std } = momentsOf(values!);
  near(records(dicom!.stdout)[0]!.original_stat_mean, mean);
  near(records(dicom!.stdout)[0]!.original_stat_var, std * std);
});

test('a folder with masks beside the images: labels, broken ones, a table in Parquet', async (t) => {
  const folder = temporaryFolder(t);
  const root = join(folder, 'in');
  mkdirSync(root);
  const [width, height] = [24, 20];
  const disc = discMask(width, height);
  const labels = disc.map((inside, i) => (inside ? (i % width < width / 2 ? 1 : 3) : 0));
  const image = (seed: number) => grey(width, height, texture(seed, width, height).pixels as Uint8Array);
  for (const seed of [1, 2, 3, 4]) writeFileSync(join(root, `a${seed}.png`), image(seed));
  writeFileSync(join(root, 'a1_m.png'), grey(width, height, labels));
  writeFileSync(join(root, 'a2_m.png'), grey(width, height, disc));
  writeFileSync(join(root, 'a3_m.png'), grey(width - 1, height, disc));
  writeFileSync(join(root, 'broken.png'), 'no image');
  const { status, stderr } = await thaw(
    [
      'radiomics',
      'in',
      '--mask',
      '{dir}/{stem}_m.png',
      '--label',
      '1,3',
      '--out',
      'out/f.parquet',
      '--threads',
      '2',
    ],
    folder,
  );
  assert.equal(status, 1);
  assert.match(stderr, /in\/a3\.png: the image has 24 × 20 pixels, the mask 23 × 20/);
  assert.match(stderr, /4 of 7 rows have undefined features; the column "problem" says why/);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, 'out/f.parquet')) });
  const beginnings = rows.map(({ image: name, mask_label: label, problem }) => [
    name,
    label,
    problem === null ? null : String(problem).slice(0, 21),
  ]);
  assert.deepEqual(beginnings, [
    ['in/a1.png', 1, null],
    ['in/a1.png', 3, null],
    ['in/a2.png', 1, null],
    ['in/a2.png', 3, 'the mask has no label'],
    ['in/a3.png', null, 'the image has 24 × 20'],
    ['in/a4.png', null, `mask ${join(folder, 'in')}`.slice(0, 21)],
    ['in/broken.png', null, 'the content is not an'],
  ]);
  // Against the library on the same pixels.
  const { pixels } = texture(1, width, height);
  for (const [row, label] of [1, 3].entries()) {
    const mask = labels.map((value) => (value === label ? 1 : 0));
    const table = await extractRadiomics([{ pixels, width, height, mask }], {
      features: 'ibsi',
      mask: 'given',
    });
    for (const [column, name] of table.names.entries())
      assert.equal(rows[row]![name], table.values[column], name);
  }
  const about = JSON.parse(readFileSync(join(folder, 'out/f.parquet.json'), 'utf8'));
  assert.equal(about.table.rows, 7);
  assert.equal(about.table.problems, 4);
  assert.equal(about.settings.discretisation.count, 32);
  assert.equal(
    about.features.find(({ name }: { name: string }) => name === 'original_cm_contrast_2D_avg').code,
    'ACUI',
  );
  assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['f.parquet', 'f.parquet.json']);
});

test('volumes: the digital phantom of IBSI as NIfTI, whole, by slice and the slice with most of the mask', async (t) => {
  const folder = temporaryFolder(t);
  const { width, height, slices = 1, pixels, mask } = phantom;
  writeFileSync(join(folder, 'v.nii'), nifti(width, height, slices, pixels as Uint8Array, 2));
  writeFileSync(join(folder, 'm.nii'), nifti(width, height, slices, mask!, 2));
  const run = (...args: string[]) =>
    thaw(['radiomics', 'v.nii', '--mask', 'm.nii', '--bins', 'none', ...args], folder);
  const [whole, each, largest, paper] = await Promise.all([
    run(),
    run('--slice', 'all', '--features', 'stat_mean,shape_pixel_area'),
    run('--slice', 'largest-mask', '--features', 'stat_mean'),
    thaw(['radiomics', 'v.nii', '--slice', '2', '--features', 'paper79'], folder),
  ]);
  const table = await extractRadiomics([phantom], {
    features: 'ibsi',
    discretisation: { binning: 'none' },
    mask: 'given',
  });
  const [row] = records(whole!.stdout);
  for (const [column, name] of table.names.entries())
    assert.equal(Number(row![name]), table.values[column], name);
  const counts = Array.from({ length: slices }, (_, slice) =>
    mask!
      .subarray(slice * width * height, (slice + 1) * width * height)
      .reduce((sum, inside) => sum + inside, 0),
  );
  assert.deepEqual(
    records(each!.stdout).map(({ slice, shape_pixel_area: area }) => [Number(slice), Number(area)]),
    counts.map((pixelsInside, slice) => [slice, 4 * pixelsInside]),
  );
  assert.equal(records(largest!.stdout)[0]!.slice, String(counts.indexOf(Math.max(...counts))));
  assert.equal(paper!.status, 0, paper!.stderr);
  assert.equal(records(paper!.stdout)[0]!.slice, '2');
});

const REFERENCE = 'data/ibsi/reference_2d.csv';
test('the published phantom has the consensus values of IBSI', {
  skip: skipWithout(REFERENCE, 'data/ibsi/phantom.nii.gz', 'data/ibsi/mask.nii.gz'),
}, async (t) => {
  const [image, mask] = ['phantom', 'mask'].map((name) => sharedPath(`data/ibsi/${name}.nii.gz`)!);
  const { stdout } = await thaw(['radiomics', image!, '--mask', mask!, '--bins', 'none'], temporaryFolder(t));
  const [row] = records(stdout);
  const consensus = readFileSync(sharedPath(REFERENCE)!, 'utf8').trim().split(/\r?\n/).slice(1);
  assert.equal(consensus.length, 177);
  for (const [tag, value] of consensus.map((line) => line.split(',') as [string, string])) {
    const off = Math.abs(Number(row![`original_${tag}`]) - Number(value));
    assert.ok(off <= 0.006 * Math.abs(Number(value)), `${tag}: ${row![`original_${tag}`]} is not ${value}`);
  }
});

test('a table of images with masks, labels and more columns', async (t) => {
  const folder = temporaryFolder(t);
  const [width, height] = [16, 12];
  mkdirSync(join(folder, 'd'));
  writeFileSync(
    join(folder, 'd', 'a.png'),
    grey(width, height, texture(3, width, height).pixels as Uint8Array),
  );
  const mask = Array.from({ length: width * height }, (_, i) => (i < 40 ? 2 : i < 90 ? 5 : 0));
  writeFileSync(join(folder, 'd', 'm.png'), grey(width, height, mask));
  writeFileSync(
    join(folder, 'd', 'cases.csv'),
    'ID,Image,Mask,Label,note\n1,a.png,m.png,2,"x, y"\n2,a.png,m.png,5,\n3,a.png,m.png,,z\n4,a.png,,5,\n',
  );
  const { status, stdout } = await thaw(
    ['radiomics', 'd/cases.csv', '--features', 'shape_pixel_area'],
    folder,
  );
  assert.equal(status, 1);
  assert.deepEqual(
    records(stdout).map((row) => [
      row.image,
      row.mask,
      row.ID,
      row.note,
      row.mask_label,
      row.shape_pixel_area,
      row.problem,
    ]),
    [
      ['d/a.png', 'd/m.png', '1', 'x, y', '2', '40', ''],
      ['d/a.png', 'd/m.png', '2', '', '5', '50', ''],
      ['d/a.png', 'd/m.png', '3', 'z', '', '90', ''],
      ['d/a.png', '', '4', '', '', '', 'row 5 of d/cases.csv names no mask'],
    ],
  );
  writeFileSync(join(folder, 'd', 'taken.csv'), 'image,shape_pixel_area\na.png,1\n');
  const taken = await thaw(['radiomics', 'd/taken.csv', '--features', 'shape_pixel_area'], folder);
  assert.match(taken.stderr, /'shape_pixel_area' has a name that the table of features needs/);
});

test('a config: the images as its trials see them, with patient, split and labels; --original as they are', async (t) => {
  const folder = temporaryFolder(t);
  const [width, height] = [30, 20];
  for (const label of ['well', 'ill']) mkdirSync(join(folder, 'images', label), { recursive: true });
  const paths = Array.from({ length: 12 }, (_, i) => `${i % 2 === 0 ? 'well' : 'ill'}/p${i}.png`);
  for (const [i, path] of paths.entries()) {
    const deep = Array.from(texture(i, width, height).pixels, (value) => value * 250);
    writeFileSync(join(folder, 'images', path), grey(width, height, deep, 16));
  }
  writeFileSync(join(folder, 'images', 'ill', 'broken.png'), 'no image');
  writeFileSync(
    join(folder, 'c.yaml'),
    `data: { scans: { kind: folder, root: images, image: { size: 16, geometry: fit, channels: 3 }, split: { kind: random, fractions: [0.5, 0.25, 0.25], seed: 0 } } }
tasks: { ill: { kind: binary, positive: ill } }
sources: { random: { pretraining: none, architecture: 'densenet-bc(10, 8, 0.5)', randomSeed: 1, input: { size: 16, channels: 1, scale: 0.004, mean: [0.5], std: [0.25] } } }
`,
  );
  const [laidOut, original, refused] = await Promise.all([
    thaw(['radiomics', 'c.yaml', '--features', 'paper79', '--out', 'f.csv'], folder),
    thaw(['radiomics', 'c.yaml', '--original', '--features', 'stat_max,shape_pixel_area'], folder),
    thaw(['radiomics', 'c.yaml', '--mask', 'images'], folder),
  ]);
  assert.equal(laidOut!.status, 1);
  const rows = records(readFileSync(join(folder, 'f.csv')));
  assert.equal(rows.length, 13);
  const broken = rows.find(({ image }) => image === 'ill/broken.png')!;
  assert.match(broken.problem!, /not an image/);
  assert.equal(broken.glcm_contrast_d1_a0, '');
  const parts = rows.map(({ split }) => split!);
  assert.deepEqual([...new Set(parts)].sort(), ['test', 'train', 'validation']);
  assert.equal(new Set(rows.map(({ patient }) => patient)).size, 13);
  for (const path of paths) {
    const row = rows.find(({ image }) => image === path)!;
    assert.deepEqual([row['label:ill'], row['label:well']], path.startsWith('ill') ? ['1', '0'] : ['0', '1']);
  }
  const pixels = await decodeImage(join(folder, 'images', paths[3]!), {
    size: 16,
    geometry: 'fit',
    channels: 1,
  });
  const table = await extractRadiomics([{ pixels, width: 16, height: 16 }], { features: 'paper79' });
  const row = rows.find(({ image }) => image === paths[3])!;
  assert.deepEqual(
    table.names.map((name) => Number(row[name])),
    [...table.values],
  );
  const whole = records(original!.stdout).find(({ image }) => image === paths[3])!;
  assert.equal(Number(whole.original_stat_max), 250 * Math.max(...texture(3, width, height).pixels));
  assert.equal(Number(whole.shape_pixel_area), width * height);
  assert.equal(refused!.status, 1);
  assert.match(refused!.stderr, /mask: .*Add --original/);
  const about = JSON.parse(readFileSync(join(folder, 'f.csv.json'), 'utf8'));
  assert.match(about.inputs.dataFingerprint, /^[0-9a-f]{32}$/);
});

test('Ctrl-C keeps what is measured; the same command goes on with the same table', {
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  const [width, height, images] = [96, 96, 120];
  mkdirSync(join(folder, 'in'));
  writeFileSync(
    join(folder, 'first.png'),
    grey(width, height, texture(1, width, height).pixels as Uint8Array),
  );
  for (let i = 0; i < images; i++) symlinkSync('../first.png', join(folder, 'in', `${1000 + i}.png`));
  const args = [
    '--filter',
    'original',
    '--filter',
    'log:1,2,3,4,5',
    '--filter',
    'wavelet:db8',
    '--threads',
    '1',
  ];
  const command = ['radiomics', 'in', ...args, '--out', 'f.csv'];
  const { child, finished } = startThaw(command, folder);
  const part = join(folder, 'f.csv.part');
  while (!existsSync(part) || statSync(part).size === 0) await sleep(5);
  await sleep(150);
  child.kill('SIGINT');
  const stopped = await finished;
  assert.equal(stopped.status, 130, stopped.stderr);
  assert.match(stopped.stderr, /stopped: .*the same command goes on there/);
  const kept = readFileSync(part, 'utf8').trim().split('\n').length - 1;
  assert.ok(kept < images, `${kept} cases`);
  assert.ok(!existsSync(join(folder, 'f.csv')));
  const [resumed, anew] = [
    await thaw(command, folder),
    await thaw([...command.slice(0, -1), 'g.csv'], folder),
  ];
  assert.equal(resumed.status, 0, resumed.stderr);
  if (kept > 0) assert.match(resumed.stderr, new RegExp(`${kept}/${images} images were done before`));
  assert.equal(anew.status, 0);
  assert.deepEqual(readFileSync(join(folder, 'f.csv')), readFileSync(join(folder, 'g.csv')));
  assert.equal(records(readFileSync(join(folder, 'f.csv'))).length, images);
});
