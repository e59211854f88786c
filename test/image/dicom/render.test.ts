import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ThawError } from '../../../src/base/errors.js';
import { decodeImage } from '../../../src/image/decode.js';
import { renderDicom } from '../../../src/image/dicom/render.js';
import { sharedPath, skipWithout } from '../../shared-data.js';
import { furthest, golden, goldenPath, momentsOf, sha256, storedValues } from './golden.js';

const render = (file: string, rule?: Parameters<typeof renderDicom>[1]) =>
  renderDicom(readFileSync(goldenPath(file)), rule);
const bytesOf = (text: string) => Buffer.from(text, 'base64');
const SYNTAXES = 13;

test('every transfer syntax that is read has files', () => {
  assert.equal(new Set(golden.synthetic.map(({ syntax }) => syntax)).size, SYNTAXES);
});

for (const { file, stored, values, tolerance, levels, colours } of golden.synthetic) {
  test(`${file}: what pydicom and the codecs' own libraries read`, () => {
    if (stored !== undefined) {
      const found = storedValues(goldenPath(file));
      if (tolerance === 0) assert.equal(sha256(found), stored.sha256);
      else assert.ok(furthest(found, values!) <= tolerance);
      const { mean, std } = momentsOf(found);
      assert.ok(
        Math.abs(mean - stored.mean) <= 1e-9 + tolerance && Math.abs(std - stored.std) <= 1e-9 + tolerance,
      );
    }
    if (levels !== undefined) {
      const { data, channels } = render(file);
      assert.equal(channels, 1);
      // A stored value of another 1 may be 1 grey level further where the window is steep.
      assert.ok(furthest(data, bytesOf(levels)) <= tolerance, `${furthest(data, bytesOf(levels))} levels`);
    }
    if (colours !== undefined) {
      const { data, channels } = render(file);
      assert.equal(channels, 3);
      assert.ok(furthest(data, bytesOf(colours)) <= tolerance, `${furthest(data, bytesOf(colours))} levels`);
    }
  });
}

test('the window is chosen: by name, by percentiles, by numbers', () => {
  const { harder, fixed, percentile } = golden.synthetic.find(({ file }) => file === 'two_windows.dcm')!;
  const levels = (rule: Parameters<typeof renderDicom>[1]) => render('two_windows.dcm', rule).data;
  assert.deepEqual(Buffer.from(levels({ name: 'harder' })), bytesOf(harder!));
  assert.deepEqual(Buffer.from(levels({ percentile: [10, 80] })), bytesOf(percentile!));
  assert.deepEqual(Buffer.from(levels({ center: 700, width: 600 })), bytesOf(fixed!));
  assert.throws(() => levels({ name: 'SOFT' }), /no window is called 'SOFT'; there are 'NORMAL', 'Harder'\./);
  assert.throws(() => render('implicit.dcm', { name: 'x' }), /none has a name/);
  assert.deepEqual(render('voi_table.dcm', { name: 'curve' }).data, render('voi_table.dcm').data);
});

test('what is not read says why, transfer syntaxes by name and UID', () => {
  const reasons: Readonly<Record<string, RegExp>> = {
    refused_frames: /expected one frame, the file has 2/,
    refused_palette: /PALETTE COLOR is not read/,
    refused_mpeg: /MPEG2 Main Profile \/ Main Level \(1\.2\.840\.10008\.1\.2\.4\.100\) is not read/,
    refused_short: /expected 204 bytes of pixels, found 100/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    assert.throws(
      () => render(`${name}.dcm`),
      (error) => error instanceof ThawError && error.code === 'IMAGE' && reason.test(error.message),
      name,
    );
  }
});

/** A file with the value of a 16-bit element replaced; tag as it stands in an explicit little-endian file. */
function withNumber(file: string, tag: readonly [number, number], value: number): Buffer {
  const bytes = Buffer.from(readFileSync(goldenPath(file)));
  const mark = Buffer.alloc(4);
  mark.writeUInt16LE(tag[0], 0);
  mark.writeUInt16LE(tag[1], 2);
  const at = bytes.indexOf(mark);
  assert.ok(at > 0);
  bytes.writeUInt16LE(value, at + 8);
  return bytes;
}

test('headers that contradict the pixels are refused before anything is decoded', () => {
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [
      withNumber('jpeg2000_12.dcm', [0x28, 0x10], 13),
      /header says 17 × 13 × 1, the compressed pixels are 17 × 12 × 1/,
    ],
    [withNumber('jpeg12.dcm', [0x28, 0x100], 8), /12 bits stored up to bit 11 do not fit into 8/],
    [withNumber('explicit16.dcm', [0x28, 0x10], 65535), /expected \d+ bytes of pixels, found 408/],
    [withNumber('explicit16.dcm', [0x28, 0x100], 32), /expected 8 or 16 bits allocated, the header says 32/],
    [withNumber('explicit16.dcm', [0x28, 0x2], 3), /expected 1 samples per pixel for MONOCHROME2/],
    [withNumber('rle16.dcm', [0x28, 0x11], 18), /an RLE segment is truncated/],
  ];
  for (const [bytes, reason] of cases) assert.throws(() => renderDicom(bytes), reason);
  const huge = withNumber('rle16.dcm', [0x28, 0x10], 65535);
  const both = Buffer.from(huge);
  both.writeUInt16LE(65535, both.indexOf(Buffer.from([0x28, 0, 0x11, 0])) + 8);
  assert.throws(() => renderDicom(both), /more than 100 megapixels/);
});

test('truncated pixels are refused, never filled up', () => {
  for (const { file } of golden.synthetic) {
    if (file === 'deflated.dcm') continue;
    const bytes = readFileSync(goldenPath(file));
    assert.throws(() => renderDicom(bytes.subarray(0, bytes.length - 60)), ThawError, file);
  }
});

test('decodeImage knows DICOM by its content, and lays it out', async () => {
  const layout = { size: 12, geometry: 'fill', channels: 1 } as const;
  const pixels = await decodeImage(goldenPath('no_preamble.dcm'), layout);
  assert.equal(pixels.length, 144);
  const rgb = await decodeImage(goldenPath('rgb.dcm'), { ...layout, channels: 3 });
  assert.equal(rgb.length, 432);
  await assert.rejects(decodeImage(goldenPath('refused_frames.dcm'), layout), {
    code: 'IMAGE',
    message: /refused_frames\.dcm: expected one frame.*Split multi-frame files first/,
  });
});

test('four real radiographs: the values and the windowed images of pydicom', {
  skip: skipWithout('data/dicom'),
}, () => {
  assert.equal(golden.real.length, 4);
  for (const { file, stored, levels } of golden.real) {
    const path = sharedPath(`data/dicom/${file}`)!;
    const values = storedValues(path);
    const { data } = renderDicom(readFileSync(path));
    assert.equal(sha256(values), stored.sha256, file);
    assert.equal(sha256(data as Uint8Array), levels.sha256, file);
    for (const [found, expected] of [
      [momentsOf(values), stored],
      [momentsOf(data), levels],
    ] as const) {
      assert.ok(Math.abs(found.mean - expected.mean) < 1e-6, `${file}: mean ${found.mean}`);
      assert.ok(Math.abs(found.std - expected.std) < 1e-6, `${file}: std ${found.std}`);
    }
  }
});
