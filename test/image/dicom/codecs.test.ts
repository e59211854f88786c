import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ThawError } from '../../../src/base/errors.js';
import { jpeg2000Codestream, jpegCodestream } from '../../../src/image/dicom/codestream.js';
import { renderDicom } from '../../../src/image/dicom/render.js';
import { decodeRle } from '../../../src/image/dicom/rle.js';
import { goldenPath } from './golden.js';

const megabytes = () => process.memoryUsage().rss / 1e6;

test('memory does not grow over 1,000 decodes, failed ones among them', () => {
  const names = ['jpeg12', 'jpeg_lossless16_1', 'jpegls12', 'jpeg2000_12', 'jpeg2000_rgb'];
  const files = names.map((name) => readFileSync(goldenPath(`${name}.dcm`)));
  const decode = (count: number) => {
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(files[i % files.length]!);
      const damaged = i % 20 === 0;
      // The codestream's last third is wiped out: the codec fails in the middle of its work.
      if (damaged) bytes.fill(0xff, bytes.length - 120, bytes.length - 12);
      try {
        renderDicom(bytes);
      } catch (error) {
        assert.ok(damaged && error instanceof ThawError);
      }
    }
  };
  decode(200);
  const before = megabytes();
  decode(1000);
  const growth = megabytes() - before;
  assert.ok(growth < 64, `${growth} MB more`);
});

test('RLE: literal and repeated runs, the no-operation, and what is too short', () => {
  const header = (...offsets: number[]) => {
    const bytes = Buffer.alloc(64);
    for (const [i, value] of [offsets.length, ...offsets].entries()) bytes.writeUInt32LE(value, 4 * i);
    return bytes;
  };
  const runs = Buffer.from([2, 1, 2, 3, 128, 0xfe, 9, 0]);
  assert.deepEqual([...decodeRle(Buffer.concat([header(64), runs]), 6, 1, 1)], [1, 2, 3, 9, 9, 9]);
  const high = Buffer.from([0xff, 0x12]);
  const low = Buffer.from([1, 0x34, 0x56]);
  const words = decodeRle(Buffer.concat([header(64, 66), high, low]), 2, 1, 2);
  assert.deepEqual([...words], [0x34, 0x12, 0x56, 0x12]);
  assert.throws(() => decodeRle(Buffer.concat([header(64), runs]), 7, 1, 1), /RLE segment is truncated/);
  assert.throws(
    () => decodeRle(Buffer.concat([header(64), runs]), 6, 1, 2),
    /expected 2 RLE segments, found 1/,
  );
  assert.throws(() => decodeRle(Buffer.concat([header(9999), runs]), 6, 1, 1), /offsets are damaged/);
  assert.throws(() => decodeRle(Buffer.concat([header(64), runs]), 1e8, 1, 1), /RLE data is truncated/);
});

test('a codestream is asked for its size before it is decoded', () => {
  const bytes = readFileSync(goldenPath('jpeg2000_jp2.dcm'));
  const { width, height, components, precision } = jpeg2000Codestream(
    bytes.subarray(bytes.indexOf('jP  ') - 4),
  );
  assert.deepEqual([width, height, components, precision], [17, 12, 1, 12]);
  const jpeg = readFileSync(goldenPath('jpeg_lossless14_1.dcm'));
  const frame = jpegCodestream(jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xd8, 0xff]))));
  assert.deepEqual([frame.width, frame.height, frame.precision, frame.process], [17, 12, 14, 0xc3]);
  for (const length of [0, 3, 10, 40]) {
    assert.throws(() => jpegCodestream(Buffer.alloc(length)), ThawError);
    assert.throws(() => jpeg2000Codestream(Buffer.alloc(length)), ThawError);
  }
});
