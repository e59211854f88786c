import type { RadiomicsImage } from '../../src/radiomics/extract.js';

/**
 * The digital phantom of the Image Biomarker Standardisation Initiative as its reference manual prints it (5 × 4 × 4 voxels of
 * 2 mm), one line a slice; `.` is outside the region.
 */
const SLICES = [
  ['14411', '14611', '41641', '44641'],
  ['14411', '11611', '.1311', '44611'],
  ['144..', '11111', '11.11', '11611'],
  ['144..', '11111', '11111', '11611'],
];

const voxels = SLICES.flat().join('');

export const phantom: RadiomicsImage = {
  name: 'IBSI digital phantom',
  pixels: Uint8Array.from(voxels, (level) => (level === '.' ? 9 : Number(level))),
  mask: Uint8Array.from(voxels, (level) => (level === '.' ? 0 : 1)),
  width: 5,
  height: 4,
  slices: 4,
  spacing: { x: 2, y: 2 },
};
