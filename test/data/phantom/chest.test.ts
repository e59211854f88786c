import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadDataset, type PhantomChestSource } from '../../../src/data/load.js';
import { cardiothoracicRatio } from '../../../src/data/sources/phantom/chest/anatomy.js';
import { ClinicalCourse } from '../../../src/data/sources/phantom/chest/course.js';
import {
  CHRONIC,
  FINDINGS,
  type Finding,
  prevalences,
} from '../../../src/data/sources/phantom/chest/findings.js';
import {
  type ChestImage,
  chestLineIntegrals,
  composeChest,
  renderChest,
} from '../../../src/data/sources/phantom/chest/render.js';
import { imageStream, patientStream } from '../../../src/data/sources/phantom/draws.js';

const SIZE = 64;
const source = (more: Partial<PhantomChestSource> = {}): PhantomChestSource => ({
  kind: 'phantom-chest',
  images: 240,
  patients: 80,
  size: SIZE,
  seed: 7,
  prevalence: 'nih',
  ...more,
});
const load = (more: Partial<PhantomChestSource> = {}) => loadDataset('chest', source(more));

const compose = (row: number, ...present: Finding[]) =>
  composeChest(
    3,
    row,
    row,
    FINDINGS.map((finding) => present.includes(finding)),
  );

/** Images with and without a finding that are otherwise taken alike. */
function* pairs(finding: Finding, count: number): Generator<readonly [ill: ChestImage, healthy: ChestImage]> {
  for (let row = 0; count > 0; row++) {
    const [ill, healthy] = [compose(row, finding), compose(row)];
    if (ill.visit.view !== healthy.visit.view) continue;
    count--;
    yield [ill, healthy];
  }
}

/** What a finding adds to the attenuation, without scatter and noise: sums and centre (0 to 1 from the upper left). */
function traceOf(ill: ChestImage, healthy: ChestImage) {
  const [after, before] = [chestLineIntegrals(ill, SIZE), chestLineIntegrals(healthy, SIZE)];
  const trace = { brighter: 0, darker: 0, left: 0, right: 0, x: 0, y: 0 };
  for (let pixel = 0; pixel < after.length; pixel++) {
    const difference = after[pixel]! - before[pixel]!;
    const [x, y] = [((pixel % SIZE) + 0.5) / SIZE, (Math.floor(pixel / SIZE) + 0.5) / SIZE];
    if (difference > 0) trace.brighter += difference;
    else trace.darker -= difference;
    if (x < 0.5) trace.left += difference;
    else trace.right += difference;
    trace.x += Math.abs(difference) * x;
    trace.y += Math.abs(difference) * y;
  }
  const total = trace.brighter + trace.darker;
  return { ...trace, x: trace.x / total, y: trace.y / total };
}

test('equal settings give equal bytes in any order, another seed others', async () => {
  const small = { images: 12, patients: 5 };
  const [first, second, other] = await Promise.all([load(small), load(small), load({ ...small, seed: 8 })]);
  assert.equal(await first.embedded!.identity(), await second.embedded!.identity());
  assert.notEqual(await first.embedded!.identity(), await other.embedded!.identity());
  const forwards = [];
  for (let row = 0; row < 12; row++) forwards.push((await first.embedded!.read(row)).data);
  for (let row = 11; row >= 0; row--) {
    const { data, width, height, channels } = await second.embedded!.read(row);
    assert.deepEqual(data, forwards[row]);
    assert.deepEqual([width, height, channels], [SIZE, SIZE, 1]);
    assert.notDeepEqual((await other.embedded!.read(row)).data, data);
  }
});

test('sizes that divide each other show the same image', () => {
  const image = compose(5, 'Effusion');
  const [large, small] = [renderChest(image, 192), renderChest(image, 48)];
  let difference = 0;
  for (let row = 0; row < 48; row++) {
    for (let column = 0; column < 48; column++) {
      let sum = 0;
      for (let i = 0; i < 16; i++) sum += large[(4 * row + (i >> 2)) * 192 + 4 * column + (i & 3)]!;
      difference += Math.abs(sum / 16 - small[row * 48 + column]!);
    }
  }
  assert.ok(difference / 48 ** 2 < 4, `mean difference ${difference / 48 ** 2}`);
});

test('frequencies and co-occurrence are those of ChestX-ray14', () => {
  const golden = new URL('../golden/cooccurrence.json', import.meta.url);
  const published: { images: number; labels: string[]; counts: number[][] } = JSON.parse(
    readFileSync(golden, 'utf8'),
  );
  assert.deepEqual(FINDINGS, published.labels);
  const course = new ClinicalCourse(prevalences('nih'));
  const drawn = 60_000;
  const counts = FINDINGS.map(() => new Array<number>(FINDINGS.length).fill(0));
  for (let patient = 0; patient < drawn; patient++) {
    const present = course.patient(patientStream(1, patient, 8))(imageStream(1, patient, 8));
    for (const [i, row] of counts.entries()) {
      for (let j = 0; j <= i && present[i]; j++) if (present[j]) row[j]!++;
    }
  }
  for (const [i, row] of counts.entries()) {
    for (let j = 0; j <= i; j++) {
      const expected = (published.counts[i]![j]! / published.images) * drawn;
      // The correlations are rounded to 0.01, which changes how often two findings meet by up to 4 %.
      const tolerance = 4.5 * Math.sqrt(expected) + (i === j ? 0 : 0.04 * expected) + 1;
      const found = row[j]!;
      assert.ok(
        Math.abs(found - expected) < tolerance,
        `${FINDINGS[i]}, ${FINDINGS[j]}: ${found}, not ${expected}`,
      );
    }
  }
});

test('prevalences can be multiplied or given', async () => {
  assert.deepEqual(
    prevalences(2).map((share, k) => share / prevalences('nih')[k]!),
    FINDINGS.map(() => 2),
  );
  const { labels, labelNames } = await load({
    images: 2000,
    patients: 1000,
    prevalence: { Effusion: 0.4, Hernia: 0, Cardiomegaly: 0.25 },
  });
  const share = (finding: Finding) => {
    const column = labelNames.indexOf(finding);
    let sum = 0;
    for (let row = 0; row < 2000; row++) sum += labels[row * labelNames.length + column]!;
    return sum / 2000;
  };
  // Images of one patient go together: as if there were some 600 patients with one image each.
  assert.ok(Math.abs(share('Effusion') - 0.4) < 0.08, String(share('Effusion')));
  assert.ok(Math.abs(share('Cardiomegaly') - 0.25) < 0.08, String(share('Cardiomegaly')));
  assert.equal(share('Hernia'), 0);
  assert.ok(Math.abs(share('Infiltration') - 0.177) < 0.06, String(share('Infiltration')));
});

test('a patient keeps sex, age, build and chronic findings; the others come and go', async () => {
  const { entries, labels } = await load({ images: 900, patients: 150, prevalence: 3 });
  const first = new Map<string, number>();
  const changed = new Set<Finding>();
  for (const [row, { patient, sex, age, view, path }] of entries.entries()) {
    assert.match(path, /^P\d{5}\/\d{3}$/);
    assert.ok(view === 'PA' || view === 'AP');
    assert.ok((sex === 'F' || sex === 'M') && age! >= 18 && age! <= 90);
    const earlier = first.get(patient);
    if (earlier === undefined) {
      first.set(patient, row);
      continue;
    }
    assert.deepEqual([entries[earlier]!.sex, entries[earlier]!.age], [sex, age]);
    for (const [k, finding] of FINDINGS.entries()) {
      if (labels[row * 14 + k] !== labels[earlier * 14 + k]) changed.add(finding);
    }
  }
  assert.equal(first.size, 150);
  for (const finding of FINDINGS) assert.equal(changed.has(finding), !CHRONIC.has(finding), finding);
  const sexes = [...first.values()].filter((row) => entries[row]!.sex === 'F').length;
  assert.ok(sexes > 40 && sexes < 90, `${sexes} of 150 are women`);
  assert.equal(new Set(entries.map(({ path }) => path)).size, 900);
  const [one, two] = [
    composeChest(
      3,
      4,
      100,
      FINDINGS.map(() => false),
    ),
    composeChest(
      3,
      4,
      101,
      FINDINGS.map(() => false),
    ),
  ];
  assert.deepEqual(one.patient, two.patient);
  assert.notDeepEqual(one.visit, two.visit);
});

test('a large heart: the cardiothoracic ratio passes one half, and the image widens', () => {
  const ratios: number[] = [];
  for (const [ill, healthy] of pairs('Cardiomegaly', 60)) {
    const [large, normal] = [cardiothoracicRatio(ill.anatomy), cardiothoracicRatio(healthy.anatomy)];
    assert.ok(large > 1.1 * normal && large < 0.73, `${normal} → ${large}`);
    assert.ok(normal > 0.36 && normal < 0.55, String(normal));
    ratios.push(large);
    const trace = traceOf(ill, healthy);
    assert.ok(trace.brighter > 20 * trace.darker && trace.brighter > 10);
    assert.ok(Math.abs(trace.x - 0.52) < 0.16 && trace.y > 0.45, `${trace.x}, ${trace.y}`);
  }
  assert.ok(ratios.filter((ratio) => ratio > 0.5).length > 30);
});

test('fluid brightens the base of the lung it lies in', () => {
  for (const [ill, healthy] of pairs('Effusion', 60)) {
    const { side, level, otherLevel } = ill.signs.Effusion!;
    // A large one pushes the mediastinum, which moves other edges.
    if (level > 4) continue;
    const trace = traceOf(ill, healthy);
    assert.ok(trace.darker < 1e-3 && trace.brighter > 2, `${trace.brighter}`);
    assert.ok(trace.y > 0.52, `centre at ${trace.y}`);
    const [near, far] = side < 0 ? [trace.left, trace.right] : [trace.right, trace.left];
    assert.ok(otherLevel > 0 ? near > 0 && far > 0 : far < 0.1 * near);
  }
});

test('air in the pleural space darkens the rim of one lung, where no vessels are', () => {
  for (const [ill, healthy] of pairs('Pneumothorax', 40)) {
    const { side, lateral } = ill.signs.Pneumothorax!;
    if (lateral > 1.2) continue;
    const trace = traceOf(ill, healthy);
    assert.ok(trace.darker > 3, String(trace.darker));
    assert.ok(side < 0 ? trace.x < 0.42 : trace.x > 0.58, `centre at ${trace.x}`);
    const withVessels = (image: ChestImage, vesselDensity: number) =>
      chestLineIntegrals(
        { ...image, anatomy: { ...image.anatomy, patient: { ...image.patient, vesselDensity } } },
        SIZE,
      );
    const [before, after] = [withVessels(healthy, 1), withVessels(ill, 1)];
    const [fewBefore, fewAfter] = [withVessels(healthy, 0.2), withVessels(ill, 0.2)];
    let [gap, vesselsThere] = [0, 0];
    for (let pixel = 0; pixel < before.length; pixel++) {
      if (fewAfter[pixel]! - fewBefore[pixel]! > -0.1) continue;
      gap++;
      if (Math.abs(before[pixel]! - fewBefore[pixel]!) > 1e-4) vesselsThere++;
      assert.equal(after[pixel], fewAfter[pixel], 'a vessel beyond the visceral line');
    }
    assert.ok(gap > 10 && vesselsThere > 0, `${gap} pixels, ${vesselsThere} with vessels before`);
  }
});

test('opacities brighten the lungs; the diffuse ones both', () => {
  const both = (trace: ReturnType<typeof traceOf>) =>
    Math.min(trace.left, trace.right) > 0.2 * (trace.left + trace.right);
  for (const finding of [
    'Nodule',
    'Mass',
    'Infiltration',
    'Pneumonia',
    'Consolidation',
    'Pleural_Thickening',
  ] as const) {
    for (const [ill, healthy] of pairs(finding, 30)) {
      const trace = traceOf(ill, healthy);
      assert.ok(
        trace.brighter > 0.1 && trace.darker < 0.02 * trace.brighter,
        `${finding}: ${JSON.stringify(trace)}`,
      );
      assert.ok(trace.y > 0.12 && trace.y < 0.85, `${finding} at ${trace.y}`);
      if (finding === 'Consolidation') assert.ok(!both(trace), 'one lobe is filled');
    }
  }
  for (const [ill, healthy] of pairs('Edema', 20)) {
    // Wider upper vessels take the place of others, so a pixel may be a little darker.
    const trace = traceOf(ill, healthy);
    assert.ok(
      trace.brighter > 30 && trace.darker < 0.02 * trace.brighter && both(trace),
      JSON.stringify(trace),
    );
  }
});

test('lungs that lose air or tissue change their size and density', () => {
  const lungHeight = ({ anatomy: { cavities } }: ChestImage, side = -1) => {
    const { domeY, apexY } = cavities[side < 0 ? 0 : 1];
    return domeY - apexY;
  };
  for (const [ill, healthy] of pairs('Atelectasis', 30)) {
    const { side, volumeLoss, plate } = ill.signs.Atelectasis!;
    assert.ok(Math.abs(lungHeight(healthy, side) - lungHeight(ill, side) - 0.9 * volumeLoss) < 1e-9);
    assert.equal(lungHeight(healthy, -side), lungHeight(ill, -side));
    assert.equal(Math.sign(ill.anatomy.shift), plate ? 0 : side, 'the mediastinum is drawn to the side');
    assert.ok(traceOf(ill, healthy).brighter > 5);
  }
  for (const [ill, healthy] of pairs('Emphysema', 20)) {
    assert.ok(lungHeight(ill) > lungHeight(healthy) + 0.4);
    const arch = ({
      anatomy: {
        cavities: [right],
      },
    }: ChestImage) => right.angleY - right.domeY;
    assert.ok(arch(ill) < arch(healthy), 'flat domes');
    assert.ok(cardiothoracicRatio(ill.anatomy) < cardiothoracicRatio(healthy.anatomy));
    const trace = traceOf(ill, healthy);
    assert.ok(trace.darker > 5 * trace.brighter, JSON.stringify(trace));
  }
  for (const [ill, healthy] of pairs('Fibrosis', 20)) {
    assert.ok(lungHeight(ill) < lungHeight(healthy));
    const trace = traceOf(ill, healthy);
    assert.ok(trace.brighter > 10 && trace.y > 0.5, JSON.stringify(trace));
  }
  for (const [ill, healthy] of pairs('Hernia', 20)) {
    const trace = traceOf(ill, healthy);
    assert.ok(Math.abs(trace.x - 0.5) < 0.15 && trace.y > 0.5, JSON.stringify(trace));
  }
});

test('settings that cannot be are refused', async () => {
  const refused = async (more: object, node: string) =>
    assert.rejects(load(more as Partial<PhantomChestSource>), {
      code: 'CONFIG',
      message: new RegExp(`^${node}: `),
    });
  await refused({ images: 0 }, 'images');
  await refused({ images: 1.5 }, 'images');
  await refused({ patients: 241 }, 'patients');
  await refused({ patients: 0 }, 'patients');
  await refused({ size: 8 }, 'size');
  await refused({ seed: -1 }, 'seed');
  await refused({ prevalence: 6 }, 'prevalence.Infiltration');
  await refused({ prevalence: -1 }, 'prevalence.Atelectasis');
  await refused({ prevalence: { Effusion: 1.5 } }, 'prevalence.Effusion');
  await refused({ prevalence: { Fluid: 0.5 } }, 'prevalence.Fluid');
});

test('the note says that the images are simulated', async () => {
  assert.match(
    (await load({ images: 2, patients: 1 })).notes.join(),
    /simulated images.*not data for research/,
  );
});
