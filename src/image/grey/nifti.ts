import { promisify } from 'node:util';
import { constants, gunzip, gunzipSync } from 'node:zlib';
import { messageOf, ThawError } from '../../base/errors.js';
import { beginsLikeNifti, type NiftiHeader, type NiftiType, readNiftiHeader } from './nifti-header.js';
import type { GreyPixels, GreyVolume } from './volume.js';

/** What one buffer of Node can hold, and more than any volume that is looked at slice by slice. */
const LARGEST_VOLUME = 2 ** 31 - 1;
const unpack = promisify(gunzip);

/** Whether a file is NIfTI, packed or not, by its first 160 bytes. */
export function isNifti(start: Uint8Array): boolean {
  if (!isPacked(start)) return beginsLikeNifti(start);
  try {
    // Only the beginning is there.
    return beginsLikeNifti(gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH }));
  } catch {
    return false;
  }
}

function isPacked(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

/**
 * A NIfTI-1 or NIfTI-2 file (.nii, .nii.gz) of one volume: width, height and slices are its first, second and third axis as
 * they are stored, values are scaled as the header says. Voxels that need no scaling keep their type where the features take
 * it, all others become float64. Throws IMAGE, without the file, for what is damaged or not read.
 */
export async function openNifti(bytes: Buffer): Promise<GreyVolume> {
  const file = isPacked(bytes) ? await unpacked(bytes) : bytes;
  const header = readNiftiHeader(file);
  const [width, height, slices] = header.size;
  const expected = width * height * slices * header.bytesPerVoxel;
  const found = file.byteLength - header.offset;
  if (found < expected)
    throw new ThawError('IMAGE', `expected ${expected} bytes of voxels, found ${Math.max(found, 0)}.`);
  return {
    width,
    height,
    slices,
    spacing: header.spacing,
    affine: header.affine,
    read: (first, count) => {
      const area = width * height;
      return voxels(file, header, header.offset + first * area * header.bytesPerVoxel, count * area);
    },
  };
}

async function unpacked(bytes: Buffer): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: LARGEST_VOLUME });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new ThawError(
      'IMAGE',
      tooLarge ? 'the volume has more than 2 GB.' : `the packed file is damaged (${messageOf(cause)}).`,
      { cause },
    );
  }
}

/** How one voxel of each type is read. */
const READ: Record<NiftiType, (view: DataView, at: number, littleEndian: boolean) => number> = {
  uint8: (view, at) => view.getUint8(at),
  int8: (view, at) => view.getInt8(at),
  int16: (view, at, little) => view.getInt16(at, little),
  uint16: (view, at, little) => view.getUint16(at, little),
  int32: (view, at, little) => view.getInt32(at, little),
  uint32: (view, at, little) => view.getUint32(at, little),
  int64: (view, at, little) => Number(view.getBigInt64(at, little)),
  uint64: (view, at, little) => Number(view.getBigUint64(at, little)),
  float32: (view, at, little) => view.getFloat32(at, little),
  float64: (view, at, little) => view.getFloat64(at, little),
};

function emptyPixels(type: NiftiType, count: number): GreyPixels {
  switch (type) {
    case 'uint8':
      return new Uint8Array(count);
    case 'int8':
    case 'int16':
      return new Int16Array(count);
    case 'uint16':
      return new Uint16Array(count);
    case 'float32':
      return new Float32Array(count);
    default:
      return new Float64Array(count);
  }
}

function voxels(file: Buffer, header: NiftiHeader, start: number, count: number): GreyPixels {
  const { type, bytesPerVoxel, littleEndian, slope, intercept } = header;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const read = READ[type];
  if (slope === 1 && intercept === 0) {
    const pixels = emptyPixels(type, count);
    for (let i = 0; i < count; i++) pixels[i] = read(view, start + i * bytesPerVoxel, littleEndian);
    return pixels;
  }
  const scaled = new Float64Array(count);
  for (let i = 0; i < count; i++)
    scaled[i] = read(view, start + i * bytesPerVoxel, littleEndian) * slope + intercept;
  return scaled;
}
