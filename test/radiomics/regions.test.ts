import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GreyVolume, volumeOf } from '../../src/image/grey/volume.js';
import { type Region, type RegionRule, regionsOf } from '../../src/radiomics/regions.js';

const [WIDTH, HEIGHT, SLICES] = [3, 2, 3];
const size = { width: WIDTH, height: HEIGHT, slices: SLICES };
const AREA = WIDTH * HEIGHT;
const image = volumeOf(
  Int16Array.from({ length: AREA * SLICES }, (_, i) => i - 5),
  { ...size, spacing: { x: 2, y: 3 } },
);
/** Slice 0 has label 1 twice, slice 1 nothing, slice 2 label 1 once and label 4 three times. */
const mask = volumeOf(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 0, 4, 1), size);
const rule = (changes: Partial<RegionRule> = {}): RegionRule => ({
  slice: 'volume',
  labels: 'any',
  anyPosition: false,
  ...changes,
});
const regions = (changes: Partial<RegionRule>, masked: GreyVolume | undefined = mask, of = image) => [
  ...regionsOf(of, masked, rule(changes)),
];
/** Slice, label, first pixel, inside pixels of the mask, or the problem. */
const shown = (region: Region) =>
  'problem' in region
    ? [region.slice, region.label, region.problem]
    : [
        region.slice,
        region.label,
        region.image.pixels[0],
        region.image.mask === undefined
          ? null
          : [...region.image.mask].map((inside, i) => (inside ? i : -1)).filter((i) => i >= 0),
      ];

test('volumes, slices and labels', () => {
  const cases: [Partial<RegionRule>, unknown[]][] = [
    [{}, [[null, null, -5, [0, 1, 13, 14, 16, 17]]]],
    [{ labels: [1] }, [[null, 1, -5, [0, 1, 17]]]],
    [
      { labels: 'all' },
      [
        [null, 1, -5, [0, 1, 17]],
        [null, 4, -5, [13, 14, 16]],
      ],
    ],
    [
      { slice: 'all' },
      [
        [0, null, -5, [0, 1]],
        [2, null, 7, [1, 2, 4, 5]],
      ],
    ],
    [
      { slice: 'all', labels: [4, 1] },
      [
        [2, 4, 7, [1, 2, 4]],
        [0, 1, -5, [0, 1]],
        [2, 1, 7, [5]],
      ],
    ],
    [{ slice: 'largest-mask' }, [[2, null, 7, [1, 2, 4, 5]]]],
    [{ slice: 'largest-mask', labels: [1] }, [[0, 1, -5, [0, 1]]]],
    [{ slice: 1, labels: [1] }, [[1, 1, 1, []]]],
    [
      { labels: [2, 1] },
      [
        [null, 2, 'the mask has no label 2; it has 1, 4'],
        [null, 1, -5, [0, 1, 17]],
      ],
    ],
  ];
  for (const [changes, expected] of cases) assert.deepEqual(regions(changes).map(shown), expected);
  assert.deepEqual([...regionsOf(image, undefined, rule({ slice: 'all' }))].map(shown), [
    [0, null, -5, null],
    [1, null, 1, null],
    [2, null, 7, null],
  ]);
  assert.deepEqual([...regionsOf(image, undefined, rule())].map(shown), [[null, null, -5, null]]);
});

test('the spacing is the file’s, or the one that is said', () => {
  const spacing = (changes: Partial<RegionRule>) => {
    const [region] = regions(changes);
    return 'image' in region! ? region.image.spacing : undefined;
  };
  assert.deepEqual(spacing({}), { x: 2, y: 3 });
  assert.deepEqual(spacing({ spacing: { x: 1, y: 1 } }), { x: 1, y: 1 });
});

test('an empty mask, and one of no numbers', () => {
  const empty = volumeOf(new Uint8Array(AREA * SLICES), size);
  for (const labels of ['any', 'all', [3]] as const)
    assert.deepEqual(regions({ labels }, empty).map(shown), [
      [null, labels[0] === 3 ? 3 : null, 'the mask is empty'],
    ]);
  const holes = volumeOf(new Float32Array(AREA * SLICES).fill(Number.NaN).fill(0.5, 3, 5), size);
  assert.deepEqual(regions({}, holes).map(shown), [[null, null, -5, [3, 4]]]);
});

test('what does not fit is refused', () => {
  const refused = (pattern: RegExp, changes: Partial<RegionRule>, masked?: GreyVolume | undefined) =>
    assert.throws(() => [...regionsOf(image, masked, rule(changes))], { code: 'IMAGE', message: pattern });
  refused(/no slice 3; the first is 0, the last 2/, { slice: 3 });
  refused(/without a mask there is no slice with most/, { slice: 'largest-mask' });
  const flat = volumeOf(new Uint8Array(AREA), { width: WIDTH, height: HEIGHT });
  refused(/3 × 2 × 3 pixels, the mask 3 × 2 × 1\. Resample/, {}, flat);
  const other = volumeOf(new Uint8Array(AREA * SLICES), { width: HEIGHT, height: WIDTH, slices: SLICES });
  refused(/the image has 3 × 2 × 3 pixels, the mask 2 × 3 × 3/, {}, other);
  refused(/in colour, so its labels/, { labels: [1] }, { ...mask, coloured: true });
  const photo = volumeOf(
    Float32Array.from({ length: 2500 }, (_, i) => i),
    { width: 50, height: 50 },
  );
  assert.throws(() => [...regionsOf(photo, photo, rule({ labels: 'all' }))], /more than 256 values/);
});

test('image and mask have to lie in the same place, where both say where', () => {
  const affine = [2, 0, 0, 10, 0, 3, 0, -4, 0, 0, 5, 0];
  const at = (volume: GreyVolume, shift: number): GreyVolume => ({
    ...volume,
    affine: affine.map((value, i) => value + (i === 3 ? shift : 0)),
  });
  const place = (shift: number, changes: Partial<RegionRule> = {}) => [
    ...regionsOf(at(image, 0), at(mask, shift), rule(changes)),
  ];
  assert.equal(place(0.1).length, 1);
  assert.throws(() => place(0.3), /lie up to 0\.300 mm apart.*--any-position/);
  assert.equal(place(40, { anyPosition: true }).length, 1);
  assert.equal([...regionsOf(at(image, 0), mask, rule())].length, 1);
  const tilted = { ...mask, affine: affine.map((value, i) => (i === 1 ? 2 : value)) };
  assert.throws(() => [...regionsOf(at(image, 0), tilted, rule())], /apart/);
});
