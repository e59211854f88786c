import { messageOf, ThawError } from '../../base/errors.js';
import type { Parameter } from '../graph.js';
import { formatShape, product } from '../shapes.js';
import { type ByteSource, withFile } from './byte-source.js';
import { FLOAT_BYTES, type FloatType, INTEGER_BYTES, type IntegerType, takeFloats } from './floats.js';
import type { TensorEntry } from './weight-file.js';

/** Where a tensor's bytes lie; absolute positions in the file. */
interface LocatedEntry extends TensorEntry {
  readonly begin: number;
  readonly end: number;
}

/** The longest header that is read: the names and shapes of more than 100,000 tensors (the format allows 100 MB). */
const LARGEST_HEADER = 16 * 2 ** 20;

/**
 * Reads the floating-point tensors (F16, BF16, F32, F64) of a safetensors file as float32. Tensors of integers, such as
 * batch norm's `num_batches_tracked`, are left out.
 * Throws IO when the file cannot be read; MODEL, naming file and tensor, when header, types or offsets are not valid.
 */
export async function readSafetensors(path: string): Promise<Map<string, Parameter>> {
  return withFile(path, (source) => readSafetensorsBytes(source, path));
}

/** As `readSafetensors`, from bytes; `file` is named in errors. */
export async function readSafetensorsBytes(
  source: ByteSource,
  file: string,
): Promise<Map<string, Parameter>> {
  const tensors = new Map<string, Parameter>();
  for (const { name, type, shape, begin, end } of await readHeader(source, file)) {
    if (!Object.hasOwn(FLOAT_BYTES, type)) continue;
    const bytes = await source.read(begin, end - begin);
    tensors.set(name, { shape, data: takeFloats(bytes, type as FloatType) });
  }
  return tensors;
}

/** The tensors that a safetensors file lists, integers included; errors as `readSafetensors`. */
export async function listSafetensors(path: string): Promise<TensorEntry[]> {
  return withFile(path, (source) => readHeader(source, path));
}

/** Layout: uint64 header length, JSON header { name: { dtype, shape, data_offsets } }, data. */
async function readHeader(source: ByteSource, file: string): Promise<LocatedEntry[]> {
  const { size } = source;
  const length = size < 8 ? 0 : Number(Buffer.from(await source.read(0, 8)).readBigUInt64LE());
  if (length < 2 || length > LARGEST_HEADER || 8 + length > size) {
    const summary = `not a safetensors file: a header of ${length} bytes does not fit a file of ${size}.`;
    throw new ThawError('MODEL', summary, { file });
  }
  const header = parseHeader(Buffer.from(await source.read(8, length)).toString('utf8'), file);
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

function readEntry(name: string, value: unknown, start: number, size: number, file: string): LocatedEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isLengths(shape) || !isLengths(offsets) || offsets.length !== 2)
    throw fault(file, name, 'expects dtype, shape and two data_offsets in the header.');
  const width = widthOf(dtype);
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

function expectNoOverlap(entries: readonly LocatedEntry[], file: string): void {
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

function widthOf(type: string): number | undefined {
  if (Object.hasOwn(FLOAT_BYTES, type)) return FLOAT_BYTES[type as FloatType];
  return Object.hasOwn(INTEGER_BYTES, type) ? INTEGER_BYTES[type as IntegerType] : undefined;
}

function fault(file: string, tensor: string, summary: string): ThawError {
  return new ThawError('MODEL', `tensor "${tensor}" ${summary}`, { file, node: tensor });
}
