import { ThawError } from '../../base/errors.js';

/** Sizes of the headers of NIfTI-1 and NIfTI-2, which are also their first field. */
const HEADER_BYTES = { 1: 348, 2: 540 } as const;
export const NIFTI_HEADER_BYTES = HEADER_BYTES[2];
/** Sides beyond which a header is taken for damaged. */
const LONGEST_SIDE = 65_000;

/** Data types that are read, by NIfTI's code. */
const TYPES = {
  2: { name: 'uint8', bytes: 1 },
  4: { name: 'int16', bytes: 2 },
  8: { name: 'int32', bytes: 4 },
  16: { name: 'float32', bytes: 4 },
  64: { name: 'float64', bytes: 8 },
  256: { name: 'int8', bytes: 1 },
  512: { name: 'uint16', bytes: 2 },
  768: { name: 'uint32', bytes: 4 },
  1024: { name: 'int64', bytes: 8 },
  1280: { name: 'uint64', bytes: 8 },
} as const;
export type NiftiType = (typeof TYPES)[keyof typeof TYPES]['name'];

export interface NiftiHeader {
  readonly littleEndian: boolean;
  readonly type: NiftiType;
  readonly bytesPerVoxel: number;
  /** Voxels along the first three axes, first one fastest. */
  readonly size: readonly [number, number, number];
  /** Millimetres along the first two axes. */
  readonly spacing: { readonly x: number; readonly y: number };
  /** [3 × 4] from voxel to millimetres, row by row. */
  readonly affine: readonly number[];
  /** Byte at which voxels begin. */
  readonly offset: number;
  /** Value = slope · stored + intercept. */
  readonly slope: number;
  readonly intercept: number;
}

function refuse(summary: string, hint?: string): never {
  throw new ThawError('IMAGE', summary, hint === undefined ? {} : { hint });
}

/** 1 or 2, undefined for what does not begin like a NIfTI file. */
function versionOf(view: DataView): { version: 1 | 2; littleEndian: boolean } | undefined {
  if (view.byteLength < 4) return undefined;
  for (const version of [1, 2] as const) {
    for (const littleEndian of [true, false]) {
      if (view.getInt32(0, littleEndian) === HEADER_BYTES[version]) return { version, littleEndian };
    }
  }
  return undefined;
}

/** Whether bytes, unpacked, begin like a NIfTI-1 or NIfTI-2 file (or a header file of Analyze). */
export function beginsLikeNifti(start: Uint8Array): boolean {
  return versionOf(viewOf(start)) !== undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What the header of a NIfTI-1 or NIfTI-2 file says (nifti1.h, nifti2.h). Throws IMAGE, without the file. */
export function readNiftiHeader(bytes: Uint8Array): NiftiHeader {
  const view = viewOf(bytes);
  const found = versionOf(view) ?? refuse('the content is not NIfTI.');
  if (bytes.byteLength < HEADER_BYTES[found.version]) refuse('the file is truncated within its header.');
  const fields = new Fields(view, found.version, found.littleEndian);
  checkMagic(bytes, found.version);
  const dimensions = fields.dimensions();
  const axes = dimensions[0] ?? 0;
  if (!(axes >= 1 && axes <= 7)) refuse(`the header says ${axes} dimensions.`);
  const side = (axis: number) => (axis <= axes ? (dimensions[axis] ?? 0) : 1);
  const size = [side(1), side(2), side(3)] as const;
  for (const each of size)
    if (!(each >= 1 && each <= LONGEST_SIDE)) refuse(`the header says a size of ${size.join(' × ')} voxels.`);
  const volumes = [4, 5, 6, 7].reduce((product, axis) => product * Math.max(1, side(axis)), 1);
  if (volumes !== 1)
    refuse(`expected one volume, the file has ${volumes} (times or components).`, 'Split the series first.');
  const code = fields.short('datatype');
  const type =
    TYPES[code as keyof typeof TYPES] ?? refuse(`voxels of NIfTI's data type ${code} are not read.`);
  const spacing = fields.spacing();
  const slope = fields.real('slope');
  const scaled = Number.isFinite(slope) && slope !== 0;
  const intercept = fields.real('intercept');
  return {
    littleEndian: found.littleEndian,
    type: type.name,
    bytesPerVoxel: type.bytes,
    size,
    spacing: { x: spacing[0], y: spacing[1] },
    affine: affineOf(fields, spacing),
    offset: Math.max(fields.offset(), HEADER_BYTES[found.version]),
    slope: scaled ? slope : 1,
    intercept: scaled && Number.isFinite(intercept) ? intercept : 0,
  };
}

function checkMagic(bytes: Uint8Array, version: 1 | 2): void {
  const at = version === 1 ? 344 : 4;
  const magic = Buffer.from(bytes.subarray(at, at + 3)).toString('latin1');
  if (magic === `n+${version}`) return;
  refuse(
    magic === `ni${version}`
      ? 'the header and the voxels are in two files (.hdr and .img).'
      : 'the file is Analyze 7.5, or its NIfTI header is damaged.',
    'Convert it to a single .nii or .nii.gz file.',
  );
}

/** Byte positions of the fields that are read, in version 1 and 2. */
const PLACES = {
  dimensions: [40, 16],
  datatype: [70, 12],
  spacing: [76, 104],
  offset: [108, 168],
  slope: [112, 176],
  intercept: [116, 184],
  units: [123, 500],
  quaternionCode: [252, 344],
  affineCode: [254, 348],
  quaternion: [256, 352],
  shift: [268, 376],
  affine: [280, 400],
} as const;

class Fields {
  constructor(
    private readonly view: DataView,
    private readonly version: 1 | 2,
    private readonly littleEndian: boolean,
  ) {}

  private at(place: keyof typeof PLACES): number {
    return PLACES[place][this.version - 1]!;
  }

  /** Of 8 numbers, first their count. */
  dimensions(): number[] {
    return Array.from({ length: 8 }, (_, axis) =>
      this.version === 1
        ? this.view.getInt16(this.at('dimensions') + 2 * axis, this.littleEndian)
        : Number(this.view.getBigInt64(this.at('dimensions') + 8 * axis, this.littleEndian)),
    );
  }

  short(place: 'datatype'): number {
    return this.view.getInt16(this.at(place), this.littleEndian);
  }

  /** int16 in version 1, int32 in version 2. */
  code(place: 'quaternionCode' | 'affineCode'): number {
    return this.version === 1
      ? this.view.getInt16(this.at(place), this.littleEndian)
      : this.view.getInt32(this.at(place), this.littleEndian);
  }

  real(place: 'slope' | 'intercept' | 'spacing' | 'quaternion' | 'shift' | 'affine', index = 0): number {
    return this.version === 1
      ? this.view.getFloat32(this.at(place) + 4 * index, this.littleEndian)
      : this.view.getFloat64(this.at(place) + 8 * index, this.littleEndian);
  }

  offset(): number {
    return this.version === 1
      ? this.view.getFloat32(this.at('offset'), this.littleEndian)
      : Number(this.view.getBigInt64(this.at('offset'), this.littleEndian));
  }

  /** Millimetres along the three axes; 1 where the header has none. */
  spacing(): readonly [number, number, number] {
    const scale = this.millimetres();
    const along = (axis: number) => {
      const length = Math.abs(this.real('spacing', axis)) * scale;
      return length > 0 && Number.isFinite(length) ? length : 1;
    };
    return [along(1), along(2), along(3)];
  }

  /** Of the header's unit of length; unknown ones are taken for millimetres. */
  millimetres(): number {
    const units =
      this.version === 1
        ? this.view.getUint8(this.at('units'))
        : this.view.getInt32(this.at('units'), this.littleEndian);
    const spatial = units & 7;
    if (spatial === 1) return 1000;
    return spatial === 3 ? 0.001 : 1;
  }
}

/** By the header's matrix (method 3), else its quaternion (method 2), else the spacing alone (method 1). */
function affineOf(fields: Fields, [dx, dy, dz]: readonly [number, number, number]): number[] {
  const scale = fields.millimetres();
  if (fields.code('affineCode') > 0)
    return Array.from({ length: 12 }, (_, index) => fields.real('affine', index) * scale);
  if (fields.code('quaternionCode') <= 0) return [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0];
  const [b, c, d] = [0, 1, 2].map((index) => fields.real('quaternion', index)) as [number, number, number];
  const a = Math.sqrt(Math.max(0, 1 - b * b - c * c - d * d));
  const z = dz * (fields.real('spacing') < 0 ? -1 : 1);
  const [x0, y0, z0] = [0, 1, 2].map((index) => fields.real('shift', index) * scale) as [
    number,
    number,
    number,
  ];
  return [
    [(a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * z, x0],
    [2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * z, y0],
    [2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - b * b - c * c) * z, z0],
  ].flat();
}
