import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { goldenPath } from '../image/dicom/golden.js';
import { temporaryFolder, thaw } from './thaw.js';

const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
/** What the headers of the golden files hold beside the pixels, and the ids that are planted here. */
const SECRETS = ['PlantedName', 'PlantedHospital', 'PlantedPhysician', '19010203', 'SecretId', 'PlantedId'];
const SALT = 'a pinch of salt';

/** 48 files of 24 patients in two classes; `SecretId-07` takes the place of `PlantedId-2`. */
function writeImages(root: string): void {
  const sources = ['explicit16', 'jpeg2000_12', 'jpeg_lossless12_1', 'rle16'].map((name) =>
    readFileSync(goldenPath(`${name}.dcm`)),
  );
  for (let i = 0; i < 48; i++) {
    const bytes = Buffer.from(sources[i % sources.length]!);
    const at = bytes.indexOf('PlantedId-');
    assert.ok(at > 0);
    bytes.write(`SecretId${String(i >> 1).padStart(2, '0')} `, at);
    bytes.write('  ', at + 10);
    const folder = join(root, i % 4 < 2 ? 'well' : 'ill');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${i}.dcm`), bytes);
  }
  writeFileSync(join(root, 'well', 'film.dcm'), readFileSync(goldenPath('refused_frames.dcm')));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('a sweep on DICOM files: patients by salted hash, nothing else of the headers is written or said', async (t) => {
  const folder = temporaryFolder(t);
  writeImages(join(folder, 'images'));
  writeFileSync(
    join(folder, 'scans.yaml'),
    `data:
  scans:
    kind: folder
    root: images
    patients: { kind: dicom, saltVariable: THAW_E2E_SALT }
    duplicates: allow
    image: { size: 64, window: { percentile: [1, 99] } }
tasks: { ill: { kind: binary, positive: ill } }
sources: { random: { card: ${card} } }
training: { epochs: 2, batch: 8 }
`,
  );
  const args = ['sweep', 'scans.yaml', '--out', 'run', '--cache', 'cache'];
  const without = await thaw(args, folder);
  assert.notEqual(without.status, 0);
  assert.match(without.stderr, /THAW_E2E_SALT is not set/);

  process.env.THAW_E2E_SALT = SALT;
  t.after(() => delete process.env.THAW_E2E_SALT);
  const swept = await thaw(args, folder);
  assert.equal(swept.status, 0, swept.stderr);
  assert.match(swept.stderr, /1 of 49 images of scans cannot be read.*expected one frame/);
  const checked = await thaw(['data', 'check', 'scans.yaml'], folder);

  const splits = readFileSync(join(folder, 'run', 'splits', 'scans.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  const patients = new Set(splits.map((line) => /\bp[0-9a-f]{16}\b/.exec(line)?.[0]));
  assert.equal(splits.length, 49);
  assert.equal(patients.size, 25);
  assert.ok(!patients.has(undefined));

  const written = [...filesBelow(join(folder, 'run')), ...filesBelow(join(folder, 'cache'))];
  assert.ok(written.length > 10);
  const texts = written.map((file) => [file, readFileSync(file, 'latin1')] as const);
  const said = [without, swept, checked].map(({ stdout, stderr }) => ['output', stdout + stderr] as const);
  for (const [file, text] of [...texts, ...said]) {
    for (const secret of [...SECRETS, SALT]) assert.ok(!text.includes(secret), `${file} holds ${secret}`);
  }
});
