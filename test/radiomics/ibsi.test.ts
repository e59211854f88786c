import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extractRadiomics } from '../../src/radiomics/extract.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { phantom } from './phantom.js';

const REFERENCE = 'data/ibsi/reference_2d.csv';

/** Consensus values by tag. */
function reference(): [string, string][] {
  const lines = readFileSync(sharedPath(REFERENCE)!, 'utf8').trim().split(/\r?\n/).slice(1);
  return lines.map((line) => line.split(',') as [string, string]);
}

/** 16-bit voxels after the header of an uncompressed NIfTI-1. */
function voxels(path: string): number[] {
  const data = gunzipSync(readFileSync(sharedPath(path)!));
  const start = data.readFloatLE(108);
  return Array.from({ length: 80 }, (_, index) => data.readInt16LE(start + 2 * index));
}

test('the typed phantom is the published one', {
  skip: skipWithout('data/ibsi/phantom.nii.gz', 'data/ibsi/mask.nii.gz'),
}, () => {
  const mask = voxels('data/ibsi/mask.nii.gz');
  assert.deepEqual([...phantom.mask!], mask);
  const inside = (values: ArrayLike<number>) => Array.from(values).filter((_, index) => mask[index] === 1);
  assert.deepEqual(inside(phantom.pixels), inside(voxels('data/ibsi/phantom.nii.gz')));
});

test('all 177 consensus values of the digital phantom, to the digits given', {
  skip: skipWithout(REFERENCE),
}, async () => {
  const table = await extractRadiomics([phantom], {
    features: 'ibsi',
    discretisation: { binning: 'none' },
    mask: 'given',
  });
  const values = new Map(table.names.map((name, column) => [name, table.values[column]!]));
  const rows = reference();
  assert.equal(rows.length, 177);
  const wrong = rows.flatMap(([tag, expected]) => {
    const value = values.get(`original_${tag}`);
    assert.ok(value !== undefined, `no feature ${tag}`);
    // Half a unit of the last digit given, and the rounding of the value itself.
    const digits = expected.replace(/^-?0?\.?0*/, '').replace('.', '').length;
    const unit = 10 ** (Math.floor(Math.log10(Math.abs(Number(expected)))) - Math.max(digits, 3) + 1);
    const off = Math.abs(value - Number(expected));
    return off <= 0.5 * unit * (1 + 1e-9) ? [] : [`${tag}: expected ${expected} but received ${value}`];
  });
  assert.deepEqual(wrong, []);
  const ofReference = table.features.filter((feature) => feature.family !== 'shape');
  assert.equal(ofReference.length, 177, 'every feature but the shape has a reference value');
  assert.ok(table.flags.every((flag) => flag === 0));
  assert.deepEqual(table.problems, [undefined]);
});
