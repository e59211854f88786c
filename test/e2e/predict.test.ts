import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { HALF_ROUNDING } from '../../src/execute/export-trial.js';
import { type OkRow, readLedger } from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { goldenPath } from '../image/dicom/golden.js';
import { temporaryFolder, thaw } from './thaw.js';

const [WIDTH, HEIGHT] = [60, 40];

/** 40 images in two classes: grey PNG, coloured JPEG, and DICOM among the ill; a bright corner is what makes ill. */
async function writeImages(root: string): Promise<void> {
  for (const [name, bright] of [
    ['well', 0],
    ['ill', 120],
  ] as const) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const file = join(root, name, `${name}${i}`);
      if (name === 'ill' && i >= 16) {
        writeFileSync(`${file}.dcm`, readFileSync(goldenPath(i % 2 === 0 ? 'explicit16.dcm' : 'rle16.dcm')));
        continue;
      }
      const pixels = Buffer.alloc(3 * WIDTH * HEIGHT);
      for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel++) {
        const inCorner = pixel % WIDTH < WIDTH / 3 && pixel < (WIDTH * HEIGHT) / 3;
        const noise = (pixel * (7 * i + 3)) % 97;
        for (let channel = 0; channel < 3; channel++)
          pixels[3 * pixel + channel] = noise + 9 * channel + (inCorner ? bright : 0);
      }
      const image = sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
      if (i % 2 === 0) await image.greyscale().png().toFile(`${file}.png`);
      else await image.jpeg().toFile(`${file}.jpg`);
    }
  }
}

const CONFIG = `
data:
  scans:
    kind: folder
    root: images
    duplicates: allow
    image: { size: 32, geometry: fit }
tasks: { ill: { kind: binary, positive: ill } }
sources:
  dense: { pretraining: none, architecture: 'densenet-bc(10, 8, 0.5)', randomSeed: 1, input: { size: 32, channels: 1, scale: 0.004, mean: [0.5], std: [0.25] } }
training: { epochs: 3, batch: 8, lr: 0.003, testViews: flip, augment: { crop: random, size: 28, flip: 0.5 } }
grid: { strategy: full, seed: 2 }
`;

test('a trial is exported and predicts the files of its test set as it did in the sweep', {
  timeout: 120_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  await writeImages(join(folder, 'images'));
  writeFileSync(join(folder, 'scans.yaml'), CONFIG);
  const sweep = await thaw(['sweep', 'scans.yaml', '--out', 'run', '--cache', 'cache'], folder);
  assert.equal(sweep.status, 0, sweep.stderr);

  const missing = await thaw(['models', 'export', 'run', '--out', 'm.onnx'], folder);
  assert.deepEqual([missing.status, missing.stdout], [1, '']);
  assert.match(missing.stderr, /run: names a run, not a trial of it.*--best/);
  const none = await thaw(['models', 'export', 'nowhere/3fa9', '--out', 'm.onnx'], folder);
  assert.match(none.stderr, /nowhere: expected a run folder, but it has no sweep\.json/);
  const made = await thaw(['models', 'export', 'run', '--best', '--task', 'ill', '--out', 'm.onnx'], folder);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /m\.onnx \(.* MB, labels ill\)/);
  const named = /exporting ([0-9a-f]{8}) \(ill, dense, full/.exec(made.stderr)![1]!;
  const rows = (await readLedger(join(folder, 'run'))).rows as readonly OkRow[];
  const best = [...rows].sort((a, b) => b.result.validation.auroc! - a.result.validation.auroc!)[0]!;
  const row = rows.find(({ trial }) => trial.startsWith(named))!;
  assert.equal(row.result.validation.auroc, best.result.validation.auroc);

  const split = parse(readFileSync(join(folder, 'run', 'splits', 'scans.csv')), { columns: true }) as Record<
    string,
    string
  >[];
  const files = split.filter((line) => line.split === 'test').map((line) => join('images', line.path!));
  assert.ok(files.length > 5);
  writeFileSync(join(folder, 'broken.png'), 'nothing');
  const args = [
    'predict',
    'm.onnx',
    ...files,
    'broken.png',
    '--logits',
    '--out',
    'out.csv',
    '--heatmap',
    'heat',
  ];
  const predicted = await thaw([...args, '--device', 'cpu'], folder);
  assert.equal(predicted.status, 1);
  assert.match(predicted.stderr, new RegExp(`1 of ${files.length + 1} images have no prediction`));
  const table = parse(readFileSync(join(folder, 'out.csv')), { columns: true }) as Record<string, string>[];
  const recorded = await readPredictions(join(folder, 'run'), row.result.predictions);
  for (const [index, line] of table.entries()) {
    if (line.file === 'broken.png') {
      assert.deepEqual([line.ill, line['logit:ill'], index], ['', '', files.length]);
      assert.match(line.error!, /not an image/);
      continue;
    }
    assert.deepEqual([line.file, line.error], [files[index], '']);
    const [logit, expected] = [Number(line['logit:ill']), recorded[index]!];
    assert.ok(Math.abs(logit - expected) <= (HALF_ROUNDING + 1e-4) * (1 + Math.abs(expected)), line.file);
    assert.ok(Math.abs(Number(line.ill) - 1 / (1 + Math.exp(-logit))) < 1e-8);
  }

  const heat = readdirSync(join(folder, 'heat')).sort();
  assert.equal(heat.length, files.length);
  for (const name of heat) {
    const [, stem, probability] = /^(.+)\.ill\.(\d\.\d{3})\.png$/.exec(name)!;
    const line = table.find(({ file }) => file!.includes(`/${stem}.`))!;
    assert.equal(Number(line.ill).toFixed(3), probability);
    const { data, info } = await sharp(join(folder, 'heat', name))
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (line.file!.endsWith('.dcm')) continue;
    assert.deepEqual([info.width, info.height, info.channels], [WIDTH, HEIGHT, 3]);
    const original = await sharp(join(folder, line.file!))
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();
    // 28 of 32 pixels are seen: two of each margin are not, which is less than four pixels of the image.
    const changed = Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => pixel).filter((pixel) =>
      [0, 1, 2].some((channel) => data[3 * pixel + channel] !== original[3 * pixel + channel]),
    );
    assert.ok(
      changed.every((pixel) => pixel % WIDTH >= 3 && pixel % WIDTH < WIDTH - 3),
      name,
    );
  }
});
