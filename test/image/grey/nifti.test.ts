import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ThawError } from '../../../src/base/errors.js';
import { isNifti, openNifti } from '../../../src/image/grey/nifti.js';
import { goldenPath as dicomPath } from '../dicom/golden.js';

interface GoldenNifti {
  readonly file: string;
  readonly size: readonly [number, number, number];
  readonly values: readonly number[];
  readonly affine: readonly number[];
  readonly zooms: readonly number[];
}
const folder = new URL('../golden/', import.meta.url);
const golden: { files: readonly GoldenNifti[] } = JSON.parse(
  readFileSync(new URL('nifti.json', folder), 'utf8'),
);
const bytesOf = (file: string) => readFileSync(fileURLToPath(new URL(`nifti/${file}`, folder)));

/** Unpacked bytes with a change. */
const changed = (file: string, change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(file.endsWith('.gz') ? gunzipSync(bytesOf(file)) : bytesOf(file));
  change(bytes);
  return bytes;
};

test('values, size, spacing and position are those that nibabel reads', async () => {
  assert.equal(golden.files.length, 15);
  for (const { file, size, values, affine, zooms } of golden.files) {
    const bytes = bytesOf(file);
    assert.ok(isNifti(bytes.subarray(0, 160)), file);
    const volume = await openNifti(bytes);
    assert.deepEqual([volume.width, volume.height, volume.slices], size, file);
    assert.deepEqual([...volume.read(0, volume.slices)], values, file);
    const area = volume.width * volume.height;
    const last = volume.slices - 1;
    assert.deepEqual([...volume.read(last, 1)], values.slice(last * area), `${file}, the last slice`);
    for (const [i, value] of affine.entries())
      assert.ok(Math.abs(volume.affine![i]! - value) < 1e-5, `${file}: ${i} of ${volume.affine}`);
    assert.ok(Math.abs(volume.spacing!.x - zooms[0]!) < 1e-6, file);
    assert.ok(Math.abs(volume.spacing!.y - zooms[1]!) < 1e-6, file);
  }
});

test('types that the features take are kept, others become float64', async () => {
  const types: Record<string, string> = {
    'uint8.nii.gz': 'Uint8Array',
    'int8.nii': 'Int16Array',
    'int16.nii.gz': 'Int16Array',
    'uint16.nii': 'Uint16Array',
    'float32.nii.gz': 'Float32Array',
    'int32.nii': 'Float64Array',
    'scaled.nii': 'Float64Array',
  };
  for (const [file, type] of Object.entries(types))
    assert.equal((await openNifti(bytesOf(file))).read(0, 1).constructor.name, type, file);
});

test('lengths in micrometres or metres become millimetres', async () => {
  for (const [unit, factor] of [
    [1, 1000],
    [3, 0.001],
  ] as const) {
    const plain = await openNifti(bytesOf('left.nii'));
    const other = await openNifti(changed('left.nii', (bytes) => bytes.writeUInt8(unit, 123)));
    assert.ok(Math.abs(other.spacing!.x - plain.spacing!.x * factor) < 1e-6 * factor);
    assert.ok(Math.abs(other.affine![3]! - plain.affine![3]! * factor) < 1e-6 * factor);
  }
});

test('what is damaged or not read says so', async () => {
  const cases: [string, Buffer, RegExp][] = [
    ['a series', bytesOf('refused_series.nii'), /expected one volume, the file has 3.*Split/],
    ['complex numbers', bytesOf('refused_complex.nii'), /data type 32 are not read/],
    ['cut off', bytesOf('float64.nii').subarray(0, 400), /expected 480 bytes of voxels, found 48/],
    ['cut off in the header', bytesOf('float64.nii').subarray(0, 200), /truncated within its header/],
    ['cut off, packed', bytesOf('float32.nii.gz').subarray(0, 300), /packed file is damaged/],
    ['two files', changed('int8.nii', (bytes) => bytes.write('ni1', 344)), /\.hdr and \.img.*single \.nii/],
    ['Analyze', changed('int8.nii', (bytes) => bytes.fill(0, 344, 348)), /Analyze 7\.5/],
    ['no size', changed('int8.nii', (bytes) => bytes.writeInt16LE(0, 42)), /size of 0 × 4 × 3/],
    ['no dimensions', changed('int8.nii', (bytes) => bytes.writeInt16LE(9, 40)), /says 9 dimensions/],
  ];
  for (const [what, bytes, pattern] of cases) {
    await assert.rejects(
      openNifti(bytes),
      (error: unknown) => {
        assert.ok(error instanceof ThawError, what);
        assert.equal(error.code, 'IMAGE', what);
        assert.match(error.message, pattern, what);
        return true;
      },
      what,
    );
  }
});

test('other files are not taken for NIfTI', () => {
  const others = [
    readFileSync(dicomPath('explicit16.dcm')),
    readFileSync(new URL('uint16.tif', folder)),
    gzipSync('a text'),
    Buffer.alloc(0),
    Buffer.alloc(200),
  ];
  for (const bytes of others) assert.equal(isNifti(bytes.subarray(0, 160)), false);
});
