import { ThawError } from './errors.js';

/** NumPy's array format, versions 1.0 to 3.0 (numpy.lib.format). */
export interface NpyHeader {
  /** Shape and element type of the array; `bytes` [dataStart …] holds the elements. */
  readonly shape: readonly number[];
  readonly type: NpyType;
  /** Such as `<i8`. */
  readonly typeName: string;
  readonly littleEndian: boolean;
  /** The first index runs fastest. */
  readonly fortranOrder: boolean;
  readonly dataStart: number;
}

export type NpyType = 'bool' | 'u1' | 'u2' | 'u4' | 'u8' | 'i1' | 'i2' | 'i4' | 'i8' | 'f4' | 'f8';

const MAGIC = '\x93NUMPY';
/** Magic, version, and the header's length in its widest form. */
export const NPY_PREFIX_BYTES = 12;
/** NumPy itself refuses longer ones. */
const MOST_HEADER_BYTES = 10_000;
const MOST_DIMENSIONS = 8;

/** Bytes up to the first element, from the first NPY_PREFIX_BYTES of the file. Throws DATA. */
export function npyDataStart(prefix: Buffer, file: string, node: string): number {
  const fault = (summary: string) => new ThawError('DATA', summary, { file, node });
  if (prefix.byteLength < NPY_PREFIX_BYTES || prefix.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw fault('not a NumPy array (its first bytes are others).');
  }
  const version = prefix[6]!;
  if (version < 1 || version > 3) throw fault(`expected NumPy format 1 to 3, found ${version}.`);
  const [start, length] = version === 1 ? [10, prefix.readUInt16LE(8)] : [12, prefix.readUInt32LE(8)];
  if (length > MOST_HEADER_BYTES) throw fault(`the header claims ${length} bytes.`);
  return start + length;
}

/** The header from all bytes up to the first element. Throws DATA for types other than numbers and truth values. */
export function parseNpyHeader(bytes: Buffer, file: string, node: string): NpyHeader {
  const fault = (summary: string, hint?: string) =>
    new ThawError('DATA', summary, { file, node, ...(hint === undefined ? {} : { hint }) });
  const text = bytes.toString(bytes[6] === 3 ? 'utf8' : 'latin1', bytes[6] === 1 ? 10 : 12).trim();
  const fields = dictionary(text);
  const typeName = /^'([^']*)'$/.exec(fields?.get('descr') ?? '')?.[1];
  const order = fields?.get('fortran_order');
  const shape = shapeOf(fields?.get('shape') ?? '');
  if (fields?.size !== 3 || (order !== 'True' && order !== 'False') || shape === undefined) {
    throw fault(`the header of the array cannot be read: ${text.slice(0, 80)}.`);
  }
  if (typeName === undefined) throw fault('expected an array of numbers, found one of records.');
  if (/O/.test(typeName)) {
    throw fault(
      'the array holds Python objects (a pickle), which are not read.',
      'Save it as an array of numbers.',
    );
  }
  const [, order8 = '', letter = ''] = /^([<>|=]?)(b1|[uif][1248])$/.exec(typeName) ?? [];
  const type = letter === 'b1' ? 'bool' : (letter as NpyType);
  if (letter === '' || type === ('f1' as string) || type === ('f2' as string)) {
    throw fault(
      `expected elements of type bool, uint8 … int64, float32 or float64, found '${typeName}'.`,
      'Convert the array with .astype(…) and save it again.',
    );
  }
  return {
    shape,
    type,
    typeName,
    littleEndian: order8 !== '>',
    fortranOrder: order === 'True',
    dataStart: bytes.byteLength,
  };
}

/** Bytes of one element. */
export function elementBytes(type: NpyType): number {
  return type === 'bool' ? 1 : Number(type[1]);
}

/** Number of elements; not a safe integer where the shape is impossible. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** All elements as numbers, the last index running fastest whatever the order in the file. */
export function npyNumbers(header: NpyHeader, data: Buffer): Float64Array {
  const count = elementCount(header.shape);
  const read = reader(header, data);
  const numbers = new Float64Array(count);
  for (let index = 0; index < count; index++) numbers[index] = read(index);
  return header.fortranOrder ? inRows(numbers, header.shape) : numbers;
}

/** Elements stored with the first index fastest → the last index fastest. */
function inRows(numbers: Float64Array, shape: readonly number[]): Float64Array {
  const sorted = new Float64Array(numbers.length);
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  for (let place = 0; place < sorted.length; place++) {
    sorted[place] = numbers[index.reduce((sum, at, axis) => sum + at * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return sorted;
}

function reader({ type, littleEndian }: NpyHeader, data: Buffer): (index: number) => number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (type) {
    case 'bool':
    case 'u1':
      return (index) => view.getUint8(index);
    case 'i1':
      return (index) => view.getInt8(index);
    case 'u2':
      return (index) => view.getUint16(2 * index, littleEndian);
    case 'i2':
      return (index) => view.getInt16(2 * index, littleEndian);
    case 'u4':
      return (index) => view.getUint32(4 * index, littleEndian);
    case 'i4':
      return (index) => view.getInt32(4 * index, littleEndian);
    case 'f4':
      return (index) => view.getFloat32(4 * index, littleEndian);
    case 'u8':
      return (index) => Number(view.getBigUint64(8 * index, littleEndian));
    case 'i8':
      return (index) => Number(view.getBigInt64(8 * index, littleEndian));
    case 'f8':
      return (index) => view.getFloat64(8 * index, littleEndian);
  }
}

/** `{'key': value, …}` as NumPy writes it → texts of the values; undefined where it is not of that form. */
function dictionary(text: string): Map<string, string> | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined;
  const inner = text.slice(1, -1).trim();
  const item = /\s*'(\w+)'\s*:\s*('[^']*'|True|False|\([\d\sL,]*\)|\[.*\])\s*(?:,|$)/y;
  const fields = new Map<string, string>();
  while (item.lastIndex < inner.length) {
    const match = item.exec(inner);
    if (match === null || fields.has(match[1]!)) return undefined;
    fields.set(match[1]!, match[2]!);
  }
  return fields;
}

/** `(4708, 28, 28)`; Python 2 wrote `4708L`. */
function shapeOf(text: string): number[] | undefined {
  if (!/^\(\s*(\d+L?\s*,\s*)*(\d+L?\s*)?\)$/.test(text)) return undefined;
  const lengths = [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  return lengths.length <= MOST_DIMENSIONS && lengths.every(Number.isSafeInteger) ? lengths : undefined;
}
