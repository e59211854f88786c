import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../src/data/dataset.js';
import { withHoldOut } from '../../src/data/hold-out.js';
import { loadDataset } from '../../src/data/load.js';

const chest = {
  kind: 'phantom-chest',
  images: 400,
  patients: 150,
  size: 32,
  seed: 3,
  prevalence: 'nih',
} as const;
const rule = { label: 'Effusion', negatives: 'equal', seed: 5 } as const;
const patientsOf = ({ entries }: Dataset) => new Set(entries.map(({ patient }) => patient));
const column = ({ labels, labelNames }: Dataset, name: string) =>
  [...labels].filter((_, index) => index % labelNames.length === labelNames.indexOf(name));

test('no patient is on both sides, and no image upstream has the label', async () => {
  const whole = await loadDataset('chest', chest);
  const upstream = await loadDataset('chest', { ...chest, holdOut: { ...rule, use: 'upstream' } });
  const downstream = await loadDataset('chest', { ...chest, holdOut: { ...rule, use: 'downstream' } });
  const [above, below] = [patientsOf(upstream), patientsOf(downstream)];
  assert.ok(above.size > 20 && below.size > 20);
  assert.deepEqual(
    [...above].filter((patient) => below.has(patient)),
    [],
  );
  assert.equal(above.size + below.size, patientsOf(whole).size);
  assert.deepEqual(
    upstream.labelNames,
    whole.labelNames.filter((name) => name !== 'Effusion'),
  );
  const positives = column(whole, 'Effusion').filter((value) => value === 1).length;
  assert.equal(column(downstream, 'Effusion').filter((value) => value === 1).length, positives);
  const negatives = downstream.entries.length - positives;
  assert.ok(negatives >= positives && negatives < positives + 12, `${negatives} for ${positives}`);
  // Patients with the label somewhere are not upstream, whatever their other images show.
  const ill = whole.entries.filter((_, row) => column(whole, 'Effusion')[row] === 1);
  assert.deepEqual(
    ill.filter(({ patient }) => above.has(patient)),
    [],
  );
  assert.equal(upstream.heldOut?.id, downstream.heldOut?.id);
  assert.match(upstream.notes.join(), /patients with Effusion and \d+ without are held out/);
});

test('labels and pixels stay with their images', async () => {
  const whole = await loadDataset('chest', chest);
  const part = await loadDataset('chest', { ...chest, holdOut: { ...rule, use: 'downstream' } });
  const rowOf = new Map(whole.entries.map(({ path }, row) => [path, row]));
  for (const [index, { path }] of part.entries.entries()) {
    const row = rowOf.get(path)!;
    const of = ({ labels }: Dataset, at: number) => labels.subarray(at * 14, at * 14 + 14);
    assert.deepEqual(of(part, index), of(whole, row));
  }
  const last = part.entries.length - 1;
  const pixels = await part.embedded!.read(last);
  assert.deepEqual(pixels, await whole.embedded!.read(rowOf.get(part.entries[last]!.path)!));
  assert.notDeepEqual(pixels, await whole.embedded!.read(last));
});

const table = (rows: readonly (readonly [string, number])[]): Dataset => ({
  name: 'made',
  root: '/made',
  entries: rows.map(([patient], row) => ({ path: `${patient}-${row}`, patient })),
  labelNames: ['Mass'],
  labels: Float32Array.from(rows, ([, value]) => value),
  exclusive: false,
  missingImages: 0,
  patientsAssumed: false,
  notes: [],
});

test('the order of the table does not matter, the seed does; a factor asks for more negatives', () => {
  const rows = Array.from({ length: 60 }, (_, row): [string, number] => [`p${row}`, Number(row < 10)]);
  const patients = (given: typeof rows, more: object) =>
    [
      ...patientsOf(
        withHoldOut(table(given), { label: 'mass', negatives: 1, seed: 0, use: 'downstream', ...more }),
      ),
    ].sort();
  assert.deepEqual(patients(rows.toReversed(), {}), patients(rows, {}));
  assert.notDeepEqual(patients(rows, { seed: 1 }), patients(rows, {}));
  assert.equal(patients(rows, {}).length, 20);
  assert.equal(patients(rows, { negatives: 2.5 }).length, 35);
});

test('a patient of whom it is not known is no negative; impossible rules are named', () => {
  const rows: [string, number][] = [
    ['a', 1],
    ['b', Number.NaN],
    ['b', 0],
    ['c', 0],
    ['d', 0],
  ];
  const given = { label: 'Mass', negatives: 'equal', seed: 0 } as const;
  for (let seed = 0; seed < 8; seed++) {
    const kept = patientsOf(withHoldOut(table(rows), { ...given, seed, use: 'upstream' }));
    assert.ok(kept.has('b') && !kept.has('a'));
  }
  assert.throws(() => withHoldOut(table(rows), { ...given, label: 'Moss', use: 'upstream' }), {
    code: 'CONFIG',
    message: /no label 'Moss'.*Mass/,
  });
  const none = table(rows.map(([patient]) => [patient, 0]));
  assert.throws(() => withHoldOut(none, { ...given, use: 'upstream' }), /no image of 'Mass' to hold out/);
  const all = table([
    ['a', 1],
    ['a', 0],
  ]);
  assert.throws(() => withHoldOut(all, { ...given, use: 'upstream' }), /no image is left upstream/);
});
