import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { sharedPath, skipWithout } from '../shared-data.js';
import { mean, readTrials, type TrialCells, temporaryFolder, thaw } from './thaw.js';

const config = fileURLToPath(new URL('nih1000.yaml', import.meta.url));
const skip = skipWithout('data/nih1000', 'weights/squeezenet1_1_imagenet');

test('1,000 radiographs, ImageNet SqueezeNet, 900 heads: AUC of No Finding grows with N', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  const { status, stderr } = await thaw(['sweep', config, '--out', 'run', '--cache', 'cache'], folder);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /900 trials done, 0 failed/);
  const rows = readTrials(join(folder, 'run')).filter((row) => row.task === 'no-finding');
  const auroc = (n: number) =>
    mean(rows.filter((row) => Number(row.n) === n).map((row) => Number(row.auroc_test)));
  assert.ok(auroc(50) < auroc(200) && auroc(200) < auroc(400), [50, 100, 200, 400].map(auroc).join());

  // scikit-learn's logistic regression on the same features, splits and (N = 50) subsets: golden/nih1000.py.
  const golden = JSON.parse(
    readFileSync(new URL('golden/nih1000.json', import.meta.url), 'utf8'),
  ) as Golden[];
  const ours: { small: number; all: number }[] = [];
  for (const split of golden.keys()) {
    const part = ['--set', `data.nih.split.seed=${split}`, '--filter', 'task=no-finding n=50,all'];
    const run = join(folder, `split${split}`);
    const finished = await thaw(['sweep', config, ...part, '--out', run, '--cache', 'cache'], folder);
    assert.equal(finished.status, 0, finished.stderr);
    const trials = readTrials(run);
    ours.push({ small: best(trials, '50'), all: best(trials, 'all') });
  }
  const small = mean(ours.map((split) => split.small)) - mean(golden.map((split) => split.sklearn50));
  const all = mean(ours.map((split) => split.all)) - mean(golden.map((split) => split.sklearn));
  assert.ok(small > -0.02, `N = 50: ${small}`);
  assert.ok(all > -0.02, `all: ${all}`);
});

interface Golden {
  readonly sklearn50: number;
  readonly sklearn: number;
}

/** Test AUROC of the configuration with the best mean validation AUROC at one size. */
function best(rows: readonly TrialCells[], n: string): number {
  const configurations = new Map<string, TrialCells[]>();
  for (const row of rows.filter((one) => one.n_requested === n)) {
    const key = [row.policy, row.lr, row.dropout].join();
    configurations.set(key, [...(configurations.get(key) ?? []), row]);
  }
  const scored = [...configurations.values()].map((seeds) => ({
    validation: mean(seeds.map((row) => Number(row.auroc_val))),
    test: mean(seeds.map((row) => Number(row.auroc_test))),
  }));
  return scored.sort((a, b) => b.validation - a.validation)[0]!.test;
}

test("somebody's folders with patients in two splits are refused, naming patients", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const root = sharedPath('data/nih1000')!;
  writeFileSync(join(folder, 'leak.yaml'), leakingConfig(root));
  const refused = await thaw(['data', 'check', 'leak.yaml'], folder);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /30 .*patients?/s);
  assert.match(refused.stderr, /allowLeakage/);
  const allowed = await thaw(
    ['data', 'check', 'leak.yaml', '--set', 'data.nih.allowLeakage=true', '--json'],
    folder,
  );
  assert.equal(allowed.status, 0, allowed.stderr);
  assert.equal(JSON.parse(allowed.stdout)[0].leakingPatients.length, 30);
  const random = await thaw(
    ['data', 'check', 'leak.yaml', '--set', 'data.nih.split=random', '--json'],
    folder,
  );
  assert.equal(random.status, 0, random.stderr);
  assert.deepEqual(JSON.parse(random.stdout)[0].leakingPatients, []);
});

function leakingConfig(root: string): string {
  return `
name: leak
data:
  nih:
    kind: csv
    root: ${root}
    table: folders.csv
    images: { folder: images, match: name }
    columns: { image: path, patient: patient_id, split: split, labels: { column: finding_labels, separator: "|", none: [No Finding] } }
    split: column
tasks: { any: { kind: multilabel } }
sources: { random: { card: ${join(dirname(config), '../../models/squeezenet1_1-random.json')} } }
`;
}

const fullSize = skipWithout('data/nih_full_size');

test('full-size radiographs beside broken files: read or quarantined as they should be', {
  skip: fullSize,
}, async (t) => {
  const folder = temporaryFolder(t);
  const source = join(sharedPath('data/nih_full_size')!, 'images');
  const files = readdirSync(source).filter((file) => file.endsWith('.png'));
  assert.equal(files.length, 36);
  const images = join(folder, 'images');
  mkdirSync(images);
  for (const file of files) copyFileSync(join(source, file), join(images, file));
  const whole = readFileSync(join(source, files[0]!));
  writeFileSync(join(images, 'truncated.png'), whole.subarray(0, whole.length / 2));
  writeFileSync(join(images, 'text.png'), 'this is no image\n');
  writeFileSync(join(images, 'empty.png'), '');
  const grey16 = await sharp(whole)
    .toColourspace('grey16')
    .png({ bitdepth: 16 } as never)
    .toBuffer();
  writeFileSync(join(images, 'sixteen.png'), grey16);
  const names = [...files, 'truncated.png', 'text.png', 'empty.png', 'sixteen.png'];
  const table = names.map((name, index) => `${name},p${index},${index % 2}`).join('\n');
  writeFileSync(join(folder, 'table.csv'), `image,patient,finding\n${table}\n`);
  writeFileSync(join(folder, 'broken.yaml'), brokenConfig());
  const { status, stderr } = await thaw(['sweep', 'broken.yaml', '--out', 'run', '--cache', 'cache'], folder);
  assert.equal(status, 0, stderr);
  const [summary] = Object.values(JSON.parse(readFileSync(join(folder, 'run', 'data.json'), 'utf8'))) as [
    { images: number; quarantine: { path: string; reason: string }[] },
  ];
  assert.equal(summary.images, 40);
  const quarantined = summary.quarantine.map(({ path }) => path).sort();
  assert.deepEqual(quarantined, ['images/empty.png', 'images/text.png', 'images/truncated.png']);
  assert.ok(summary.quarantine.every(({ reason }) => reason.length > 5));
  const report = readFileSync(join(folder, 'run', 'report', 'index.html'), 'utf8');
  for (const path of quarantined) assert.ok(report.includes(path), path);
  const splits = readFileSync(join(folder, 'run', 'splits', 'mixed.csv'), 'utf8');
  assert.match(splits, /images\/truncated\.png,p36,\n/);
});

function brokenConfig(): string {
  return `
name: broken
data:
  mixed:
    kind: csv
    root: .
    table: table.csv
    images: { folder: images, match: path }
    columns: { image: image, patient: patient, labels: [finding] }
    image: { size: 64 }
    split: { kind: random, fractions: [0.5, 0.2, 0.3] }
tasks: { finding: { kind: binary, positive: finding } }
sources: { random: { card: ${join(dirname(config), '../../models/squeezenet1_1-random.json')} } }
training: { epochs: 3, batch: 8 }
grid: { n: [10] }
`;
}
