import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QualityReport } from '../../src/image/quality/report.js';
import { qualityMarkup } from '../../src/report/sections/quality.js';
import { dataSummary } from './fixture.js';

const counts = { images: 10, patients: 9, positives: [1, 2, 3], known: [10, 8, 0] };
const clean: QualityReport = {
  version: 1,
  table: {
    imagesPerPatient: { minimum: 1, median: 1.5, maximum: 12 },
    age: { known: 900, minimum: 0.5, median: 47, maximum: 94 },
    sex: { F: 600, M: 400 },
    view: {},
    site: {},
  },
  sites: [],
  pixels: {
    images: 1000,
    exactDuplicates: 0,
    nearDuplicates: 0,
    nearChecked: true,
    polarityChecked: true,
    sizes: { known: 1000, sizes: [{ width: 1024, height: 1024, images: 1000 }], distinct: 1 },
  },
  issues: [],
};
const textOf = (quality: QualityReport | undefined) =>
  String(qualityMarkup(quality === undefined ? dataSummary : { ...dataSummary, quality }))
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

test('clean data: what was looked at and found in order, and what is not looked for', () => {
  const text = textOf(clean);
  assert.match(text, /1,000 images looked through: 0 equal copies and 0 near copies\./);
  assert.match(text, /cropped and rotated copies are not found/);
  assert.match(text, /No copies across splits:.*No blank images:.*One polarity:/);
  assert.match(
    text,
    /median 1\.5, at most 12.*0\.5 to 94 years, median 47 \(known for 900\).*F 600, M 400.*1024 × 1024 \(1,000\)/,
  );
  assert.doesNotMatch(text, /View|Site|NaN|undefined/);
});

test('what was found is named, with its splits; what was not checked is not called good', () => {
  const image = (row: number, split: 'train' | 'test') => ({
    row,
    path: `<${row}>.png`,
    patient: 'p',
    split,
  });
  const text = textOf({
    ...clean,
    pixels: { ...clean.pixels!, exactDuplicates: 1, nearChecked: false, polarityChecked: false },
    issues: [
      {
        kind: 'duplicates-across-splits',
        severity: 'warning',
        count: 150,
        message: '150 images have copies in more than one split (allowed by the config).',
        items: [{ images: [image(3, 'train'), image(9, 'test')], detail: 'equal pixels' }],
      },
      { kind: 'missing', severity: 'warning', count: 2, message: 'told above.', items: [] },
    ],
  });
  assert.match(text, /1 equal copy\. Only equal pixels were looked for/);
  assert.match(text, /150 images have copies/);
  assert.match(text, /&lt;3&gt;\.png \(train\) = &lt;9&gt;\.png \(test\) ?: equal pixels/);
  assert.match(text, /and 149 more/);
  assert.doesNotMatch(text, /No copies across splits|One polarity|told above/);
});

test('a table alone, sites, and a run of an earlier version', () => {
  const splits = { train: counts, validation: counts, test: counts };
  const text = textOf({
    ...clean,
    pixels: null,
    sites: [
      { site: 'north', splits },
      { site: '', splits },
    ],
  });
  assert.match(text, /Only the table was looked at/);
  assert.match(text, /north train 10 9 10\.0 % 25\.0 % –/);
  assert.match(text, /none test/);
  assert.doesNotMatch(text, /No copies|No blank/);
  assert.equal(qualityMarkup(dataSummary), false);
});
