import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDataset, type PhantomLimbSource } from '../../../src/data/load.js';
import { composeLimb, type LimbImage } from '../../../src/data/sources/phantom/limb/compose.js';
import { limbLineIntegrals, renderLimb } from '../../../src/data/sources/phantom/limb/render.js';
import { LIMB_PARTS } from '../../../src/data/sources/phantom/limb/skeletons.js';

const SIZE = 96;
const source = (more: Partial<PhantomLimbSource> = {}): PhantomLimbSource => ({
  kind: 'phantom-limb',
  part: 'wrist',
  images: 10,
  patients: 4,
  size: 48,
  seed: 1,
  prevalence: {},
  ...more,
});
const load = (more: Partial<PhantomLimbSource> = {}) => loadDataset('limb', source(more));
const sound = { fractured: false, osteoarthritis: false };

test('equal settings give equal bytes in any order; parts and seeds differ', async () => {
  const [first, second] = await Promise.all([load(), load()]);
  const identities = await Promise.all(
    [first, second, await load({ seed: 2 }), await load({ part: 'hand' })].map((set) =>
      set.embedded!.identity(),
    ),
  );
  assert.equal(new Set(identities).size, 3);
  const forwards = [];
  for (let row = 0; row < 10; row++) forwards.push((await first.embedded!.read(row)).data);
  for (let row = 9; row >= 0; row--) assert.deepEqual((await second.embedded!.read(row)).data, forwards[row]);
});

test('a break changes its bone alone, with a dark line', () => {
  for (const part of LIMB_PARTS) {
    for (let row = 0; row < 12; row++) {
      const broken = composeLimb(1, row, row, part, { ...sound, fractured: true });
      const before = limbLineIntegrals(composeLimb(1, row, row, part, sound), SIZE);
      const after = limbLineIntegrals(broken, SIZE);
      const changes = Array.from(after, (value, pixel) => value - before[pixel]!);
      assert.ok(Math.min(...changes) < -0.04, `${part} ${row}: ${Math.min(...changes)}`);
      const changed = changes.filter((change) => Math.abs(change) > 0.02).length / SIZE ** 2;
      assert.ok(changed > 0.0005 && changed < 0.25, `${part} ${row}: ${changed} of the image`);
    }
  }
});

test('a worn joint has a narrower gap and denser bone beside it', () => {
  for (const part of LIMB_PARTS) {
    for (let row = 0; row < 12; row++) {
      const image = composeLimb(1, row, row, part, sound);
      const graded = (grade: number): LimbImage => ({
        ...image,
        arthritis: image.skeleton.joints.map((_, joint) => ({ joint, grade })),
      });
      const [young, worn] = [limbLineIntegrals(graded(0), SIZE), limbLineIntegrals(graded(4), SIZE)];
      let added = 0;
      for (let pixel = 0; pixel < young.length; pixel++) added += worn[pixel]! - young[pixel]!;
      assert.ok(added > 1, `${part} ${row}: ${added}`);
    }
  }
});

test('osteoarthritis belongs to the patient and passes grade 1.5, which no sound joint reaches', async () => {
  const { labels, entries, labelNames } = await load({
    images: 800,
    patients: 400,
    prevalence: { Osteoarthritis: 0.5, Fracture: 0.2 },
  });
  assert.deepEqual(labelNames, ['Fracture', 'Osteoarthritis']);
  const worn = new Map<string, number>();
  let fractures = 0;
  for (const [row, { patient }] of entries.entries()) {
    fractures += labels[2 * row]!;
    assert.equal(worn.get(patient) ?? labels[2 * row + 1], labels[2 * row + 1]);
    worn.set(patient, labels[2 * row + 1]!);
  }
  // Four standard deviations.
  assert.ok(Math.abs(fractures / 800 - 0.2) < 0.057, `${fractures} fractures`);
  const patients = [...worn.values()].reduce((sum, value) => sum + value, 0);
  assert.ok(Math.abs(patients / 400 - 0.5) < 0.1, `${patients} worn`);
  for (let row = 0; row < 100; row++) {
    const worst = (osteoarthritis: boolean) =>
      Math.max(
        ...composeLimb(1, row, row, 'knee', { ...sound, osteoarthritis }).arthritis.map(({ grade }) => grade),
      );
    assert.ok(worst(true) >= 1.5 && worst(false) < 1.5);
  }
});

test('all parts: a patient has one, which a label tells, and is drawn as it', async () => {
  const set = await load({ part: 'all', images: 300, patients: 150 });
  assert.deepEqual(set.labelNames, ['Fracture', 'Osteoarthritis', 'Wrist', 'Knee', 'Hand']);
  const parts = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const [row, { patient, site }] of set.entries.entries()) {
    assert.equal(parts.get(patient) ?? site, site);
    parts.set(patient, site!);
    const told = LIMB_PARTS.map((part) => Number(part === site));
    assert.deepEqual([...set.labels.subarray(5 * row + 2, 5 * row + 5)], told);
  }
  for (const part of parts.values()) counts.set(part, (counts.get(part) ?? 0) + 1);
  // 50 expected of each, four standard deviations.
  for (const part of LIMB_PARTS)
    assert.ok(Math.abs(counts.get(part)! - 50) < 24, `${part}: ${counts.get(part)}`);
  const first = set.entries.findIndex(({ site }) => site === 'hand');
  const { data } = await set.embedded!.read(first);
  const [fractured, osteoarthritis] = [set.labels[5 * first] === 1, set.labels[5 * first + 1] === 1];
  const owner = Number(set.entries[first]!.patient.slice(1)) - 1;
  const image = composeLimb(1, owner, first, 'hand', { fractured, osteoarthritis });
  assert.deepEqual(data, renderLimb(image, 48));
});

test('settings that cannot be are refused', async () => {
  const refused = (more: object, node: string) =>
    assert.rejects(load(more as Partial<PhantomLimbSource>), {
      code: 'CONFIG',
      message: new RegExp(`^${node}: `),
    });
  await refused({ part: 'foot' }, 'part');
  await refused({ patients: 11 }, 'patients');
  await refused({ prevalence: { Fracture: 2 } }, 'prevalence.Fracture');
});
