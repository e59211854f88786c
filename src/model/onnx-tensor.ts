import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import type { Shape } from './graph.js';
import { DATA_TYPE, EXTERNAL, type TensorProto, toNumber } from './onnx-proto.js';
import { formatShape, product } from './shapes.js';
import { bfloat16ToFloat, decodeFloats, FLOAT_BYTES, type FloatType, halfToFloat } from './weights/floats.js';

/** A constant of an ONNX graph: weights as float32, shapes and axes as numbers. */
export type ConstantTensor =
  | { readonly kind: 'float'; readonly shape: Shape; readonly data: Float32Array }
  | { readonly kind: 'integer'; readonly shape: Shape; readonly data: readonly number[] };

/** Bytes of tensors that lie in other files. */
export type ExternalBytes = ReadonlyMap<TensorProto, Uint8Array>;

const floatTypes = new Map<number, FloatType>([
  [DATA_TYPE.float, 'F32'],
  [DATA_TYPE.float16, 'F16'],
  [DATA_TYPE.bfloat16, 'BF16'],
  [DATA_TYPE.double, 'F64'],
]);
const integerBytes = new Map<number, 1 | 4 | 8>([
  [DATA_TYPE.bool, 1],
  [DATA_TYPE.int32, 4],
  [DATA_TYPE.int64, 8],
]);

/**
 * Values of a tensor from wherever the file keeps them: raw bytes, typed fields or external data.
 * Throws MODEL, naming the tensor, for an element type that is not understood or a length that does not fit the shape.
 */
export function readTensor(tensor: TensorProto, external: ExternalBytes): ConstantTensor {
  const shape = tensorShape(tensor);
  const count = product(shape);
  const floatType = floatTypes.get(tensor.dataType);
  const width = floatType === undefined ? integerBytes.get(tensor.dataType) : FLOAT_BYTES[floatType];
  if (width === undefined) {
    throw fault(tensor, `has element type ${tensor.dataType}, which is not supported.`, {
      hint: 'Supported are float32, float16, bfloat16, double, int64, int32 and bool; export an unquantised model.',
    });
  }
  const bytes = external.get(tensor) ?? (tensor.rawData.byteLength > 0 ? tensor.rawData : undefined);
  if (bytes !== undefined && bytes.byteLength !== count * width) {
    const expected = `expects ${count * width} bytes for its shape ${formatShape(shape)}`;
    throw fault(tensor, `${expected}, received ${bytes.byteLength}.`);
  }
  if (floatType === undefined) {
    const data = bytes === undefined ? typedIntegers(tensor) : rawIntegers(bytes, width as 1 | 4 | 8);
    expectCount(tensor, data.length, count);
    return { kind: 'integer', shape, data };
  }
  const data = bytes === undefined ? typedFloats(tensor, floatType) : decodeFloats(bytes, floatType);
  expectCount(tensor, data.length, count);
  return { kind: 'float', shape, data };
}

/** Bytes that tensors may take of a data file in all, in sizes of the file: some share a range, none need many. */
const MOST_READS = 4;
const FREE_READS = 2 ** 24;

/**
 * Reads the byte ranges of those `tensors` that lie in files beside `modelFile`.
 * Throws MODEL, naming tensor and file, for a path that leads out of the model's folder, a missing file, or a range that
 * goes beyond its end, and when the ranges together are many times as long as the file.
 */
export async function readExternalBytes(
  tensors: readonly TensorProto[],
  modelFile: string,
): Promise<ExternalBytes> {
  const folder = dirname(resolve(modelFile));
  const bytes = new Map<TensorProto, Uint8Array>();
  const taken = new Map<string, number>();
  for (const tensor of tensors) {
    if (tensor.dataLocation === EXTERNAL) bytes.set(tensor, await readRange(tensor, folder, taken));
  }
  return bytes;
}

/** The data files that `tensors` lie in, relative to the model's folder; errors as `readExternalBytes`. */
export async function externalLocations(
  tensors: readonly TensorProto[],
  modelFile: string,
): Promise<string[]> {
  const folder = dirname(resolve(modelFile));
  const locations = new Set<string>();
  for (const tensor of tensors) {
    const location = tensor.externalData.find(({ key }) => key === 'location')?.value ?? '';
    if (tensor.dataLocation !== EXTERNAL || locations.has(location)) continue;
    await (await openData(tensor, folder, safePath(tensor, folder, location), location)).close();
    locations.add(location);
  }
  return [...locations];
}

/** `taken` counts the bytes that were read of each data file. */
async function readRange(
  tensor: TensorProto,
  folder: string,
  taken: Map<string, number>,
): Promise<Uint8Array> {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const path = safePath(tensor, folder, location);
  const handle = await openData(tensor, folder, path, location);
  try {
    const { size } = await handle.stat();
    const offset = readInteger(tensor, location, 'offset', entries.get('offset') ?? '0');
    const length = readInteger(tensor, location, 'length', entries.get('length') ?? String(size - offset));
    if (offset + length > size) {
      const range = `bytes ${offset} to ${offset + length}`;
      throw fault(tensor, `expects ${range} of "${location}", which has ${size} bytes.`);
    }
    const total = (taken.get(path) ?? 0) + length;
    if (total > MOST_READS * size + FREE_READS)
      throw fault(tensor, `and those before it read ${total} bytes of "${location}", which has ${size}.`);
    taken.set(path, total);
    const buffer = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
      if (bytesRead === 0) throw fault(tensor, `"${location}" became shorter while it was read.`);
      done += bytesRead;
    }
    return buffer;
  } finally {
    await handle.close();
  }
}

function safePath(tensor: TensorProto, folder: string, location: string): string {
  const escapes =
    isAbsolute(location) || /^[A-Za-z]:/.test(location) || location.split(/[\\/]/).includes('..');
  if (location === '' || escapes || location.includes('\0')) throw outside(tensor, location);
  return resolve(folder, location);
}

async function openData(
  tensor: TensorProto,
  folder: string,
  path: string,
  location: string,
): Promise<FileHandle> {
  try {
    const inside = relative(await realpath(folder), await realpath(path));
    if (inside.startsWith('..') || isAbsolute(inside)) throw outside(tensor, location);
    return await open(path, 'r');
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw fault(tensor, `needs the data file "${location}", which cannot be read (${code}).`, {
      hint: 'Copy the data file into the folder of the model.',
      cause,
    });
  }
}

function outside(tensor: TensorProto, location: string): ThawError {
  return fault(tensor, `expects a data file inside the model's folder, received "${location}".`, {
    hint: "Place the data file beside the model and save it with that file's name as its location.",
  });
}

function readInteger(tensor: TensorProto, location: string, key: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw fault(tensor, `expects a whole ${key} into "${location}", received "${text}".`);
  return value;
}

function tensorShape(tensor: TensorProto): Shape {
  const shape = tensor.dims.map(toNumber);
  const valid = shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (!valid || !Number.isSafeInteger(product(shape)))
    throw fault(tensor, `has the impossible shape [${shape.join(', ')}].`);
  return shape;
}

function typedFloats(tensor: TensorProto, type: FloatType): Float32Array {
  switch (type) {
    case 'F32':
      return Float32Array.from(tensor.floatData);
    case 'F64':
      return Float32Array.from(tensor.doubleData);
    case 'F16':
      return Float32Array.from(tensor.int32Data, (bits) => halfToFloat(bits & 0xffff));
    case 'BF16':
      return bfloat16ToFloat(Uint16Array.from(tensor.int32Data));
  }
}

function typedIntegers(tensor: TensorProto): number[] {
  return tensor.dataType === DATA_TYPE.int64 ? tensor.int64Data.map(toNumber) : [...tensor.int32Data];
}

function rawIntegers(bytes: Uint8Array, width: 1 | 4 | 8): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readers = {
    1: (index: number) => view.getUint8(index),
    4: (index: number) => view.getInt32(index * 4, true),
    8: (index: number) => Number(view.getBigInt64(index * 8, true)),
  };
  return Array.from({ length: bytes.byteLength / width }, (_, index) => readers[width](index));
}

function expectCount(tensor: TensorProto, received: number, expected: number): void {
  if (received !== expected) throw fault(tensor, `expects ${expected} values, received ${received}.`);
}

function fault(
  tensor: TensorProto,
  summary: string,
  details: { hint?: string; cause?: unknown } = {},
): ThawError {
  return new ThawError('MODEL', `tensor "${tensor.name}" ${summary}`, { node: tensor.name, ...details });
}
