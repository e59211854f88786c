import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import type { Parameter, Shape } from '../graph.js';
import { formatShape, product } from '../shapes.js';
import { decodeFloats, FLOAT_BYTES, type FloatType } from './floats.js';

/** One tensor as the header lists it; offsets are absolute positions in the file. */
export interface TensorEntry {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** The format's own limit of the header. */
const LARGEST_HEADER = 100_000_000;
/** Element types that are no weights (counters, masks): checked, but not read. */
const INTEGER_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  I32: 4,
  U32: 4,
  I64: 8,
  U64: 8,
};

/**
 * Reads the floating-point tensors (F16, BF16, F32, F64) of a safetensors file as float32. Tensors of integers, such as
 * batch norm's `num_batches_tracked`, are left out.
 * Throws IO when the file cannot be read; MODEL, naming file and tensor, when header, types or offsets are not valid.
 */
export async function readSafetensors(path: string): Promise<Map<string, Parameter>> {
  return withFile(path, async (handle) => {
    const tensors = new Map<string, Parameter>();
    for (const { name, type, shape, begin, end } of await readHeader(handle, path)) {
      if (type in INTEGER_BYTES) continue;
      const bytes = await readRange(handle, begin, end - begin);
      tensors.set(name, { shape, data: decodeFloats(bytes, type as FloatType) });
    }
    return tensors;
  });
}

/** The tensors that a safetensors file lists, integers included; errors as `readSafetensors`. */
export async function listSafetensors(path: string): Promise<TensorEntry[]> {
  return withFile(path, (handle) => readHeader(handle, path));
}

async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  try {
    return await work(handle);
  } catch (cause) {
    throw ioError(cause, path, 'read');
  } finally {
    await handle.close();
  }
}

/** Layout: uint64 header length, JSON header { name: { dtype, shape, data_offsets } }, data. */
async function readHeader(handle: FileHandle, file: string): Promise<TensorEntry[]> {
  const { size } = await handle.stat();
  const length = size < 8 ? 0 : Number((await readRange(handle, 0, 8)).readBigUInt64LE());
  if (length < 2 || length > LARGEST_HEADER || 8 + length > size) {
    const summary = `not a safetensors file: a header of ${length} bytes does not fit a file of ${size}.`;
    throw new ThawError('MODEL', summary, { file });
  }
  const header = parseHeader((await readRange(handle, 8, length)).toString('utf8'), file);
  const start = 8 + length;
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => readEntry(name, value, start, size, file));
  expectNoOverlap(entries, file);
  return entries;
}

function parseHeader(text: string, file: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (cause) {
    const summary = `not a safetensors file: its header is not JSON (${messageOf(cause)}).`;
    throw new ThawError('MODEL', summary, { file, cause });
  }
  throw new ThawError('MODEL', 'not a safetensors file: its header is not a JSON object.', { file });
}

function readEntry(name: string, value: unknown, start: number, size: number, file: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isLengths(shape) || !isLengths(offsets) || offsets.length !== 2)
    throw fault(file, name, 'expects dtype, shape and two data_offsets in the header.');
  const width = FLOAT_BYTES[dtype as FloatType] ?? INTEGER_BYTES[dtype];
  if (width === undefined)
    throw fault(file, name, `expects element type F16, BF16, F32 or F64, received ${dtype}.`);
  const [begin = 0, end = 0] = offsets;
  if (end - begin !== product(shape) * width) {
    const expected = `expects ${product(shape) * width} bytes for ${dtype} ${formatShape(shape)}`;
    throw fault(file, name, `${expected}, received ${end - begin} (offsets ${begin} to ${end}).`);
  }
  if (start + end > size)
    throw fault(file, name, `ends at byte ${start + end} of a file of ${size}: the file is truncated.`);
  return { name, type: dtype, shape, begin: start + begin, end: start + end };
}

function expectNoOverlap(entries: readonly TensorEntry[], file: string): void {
  const sorted = entries.filter(({ begin, end }) => end > begin).sort((a, b) => a.begin - b.begin);
  sorted.forEach((entry, index) => {
    const before = sorted[index - 1];
    if (before !== undefined && before.end > entry.begin)
      throw fault(file, entry.name, `overlaps the bytes of "${before.name}".`);
  });
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}

async function readRange(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new Error('the file ended before its last byte');
    done += bytesRead;
  }
  return buffer;
}

function fault(file: string, tensor: string, summary: string): ThawError {
  return new ThawError('MODEL', `tensor "${tensor}" ${summary}`, { file, node: tensor });
}
