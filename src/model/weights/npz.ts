import { ThawError } from '../../base/errors.js';
import {
  elementBytes,
  elementCount,
  NPY_PREFIX_BYTES,
  type NpyHeader,
  npyDataStart,
  npyNumbers,
  parseNpyHeader,
} from '../../base/npy.js';
import { listNames, placedIn } from '../fault.js';
import type { Parameter } from '../graph.js';
import { formatShape } from '../shapes.js';
import { type ByteSource, withFile } from './byte-source.js';
import { takeFloats } from './floats.js';
import { torchWeights } from './keras.js';
import { type KerasVariable, kerasFamily, kerasName } from './keras-names.js';
import { openStoredArchive, type StoredArchive } from './stored-archive.js';
import type { TensorEntry, WeightFile } from './weight-file.js';

/** Bytes that compressed arrays may have together, in bytes of the file. */
const MOST_EXPANSION = 8;
const FREE_BYTES = 4 * 2 ** 20;

interface NpzMember {
  readonly name: string;
  readonly header: NpyHeader;
  readonly bytes: Uint8Array;
}

/**
 * Reads the floating-point arrays of an archive of `numpy.savez`, named as in a state dict or as Keras names its variables
 * (`{w.path: w.numpy() for w in model.weights}`). Throws IO when the file cannot be read; MODEL when it is damaged, larger than its
 * size accounts for, or its arrays have no names.
 */
export async function readNpz(path: string): Promise<WeightFile> {
  return withFile(path, (source) => readNpzBytes(source, path));
}

/** As `readNpz`, from bytes; `file` is named in errors. */
export async function readNpzBytes(source: ByteSource, file: string): Promise<WeightFile> {
  try {
    const tensors = new Map<string, Parameter>();
    for await (const member of members(source, file)) {
      const { name, header } = member;
      if (header.type === 'f4' || header.type === 'f8')
        tensors.set(name, { shape: header.shape, data: numbers(member) });
    }
    if (tensors.size > 0 && [...tensors.keys()].every((name) => /^arr_\d+$/.test(name)))
      throw new ThawError(
        'MODEL',
        `its arrays have no names, only numbers (${listNames([...tensors.keys()], 3)}).`,
        {
          hint: 'Save them by name: numpy.savez(file, **{w.path: w.numpy() for w in model.weights}).',
        },
      );
    const variables = kerasVariables(tensors);
    return variables === undefined ? { tensors, notes: [] } : torchWeights(variables);
  } catch (error) {
    throw placedIn(file, error);
  }
}

/** The arrays of an archive, integers included; errors as `readNpz`. */
export async function listNpz(path: string): Promise<TensorEntry[]> {
  return withFile(path, async (source) => {
    const entries: TensorEntry[] = [];
    for await (const { name, header } of members(source, path)) {
      const { type, shape } = header;
      entries.push({
        name,
        type: type === 'bool' ? 'BOOL' : `${type[0]?.toUpperCase()}${8 * elementBytes(type)}`,
        shape,
      });
    }
    return entries;
  });
}

async function* members(source: ByteSource, file: string): AsyncGenerator<NpzMember> {
  const archive = await openStoredArchive(source, file, 'numpy', { deflated: true });
  expectRoom(archive, source.size, file);
  for (const member of archive.names) {
    if (!member.endsWith('.npy')) continue;
    const name = member.slice(0, -'.npy'.length);
    const bytes = await archive.read(member);
    yield { name, header: headerOf(bytes, file, name), bytes };
  }
}

function expectRoom({ names, size }: StoredArchive, fileSize: number, file: string): void {
  const total = names.reduce((sum, name) => sum + (size(name) ?? 0), 0);
  if (total <= MOST_EXPANSION * fileSize + FREE_BYTES) return;
  throw new ThawError('MODEL', `claims ${total} bytes of arrays, too many for a file of ${fileSize}.`, {
    file,
  });
}

/** Checked against the bytes that are there. */
function headerOf(bytes: Uint8Array, file: string, node: string): NpyHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const start = npyDataStart(buffer.subarray(0, NPY_PREFIX_BYTES), file, node);
    const header = parseNpyHeader(buffer.subarray(0, start), file, node);
    const expected = start + elementCount(header.shape) * elementBytes(header.type);
    if (expected === bytes.byteLength) return header;
    const what = `an array ${formatShape(header.shape)} of ${header.typeName} needs ${expected} bytes`;
    throw new ThawError('MODEL', `${what}, received ${bytes.byteLength}.`, { file, node });
  } catch (cause) {
    if (!(cause instanceof ThawError) || cause.code === 'MODEL') throw cause;
    const hint = cause.hint === undefined ? {} : { hint: cause.hint };
    throw new ThawError('MODEL', cause.summary, { file, node, cause, ...hint });
  }
}

function numbers({ header, bytes }: NpzMember): Float32Array {
  const data = bytes.subarray(header.dataStart);
  if (header.littleEndian && !header.fortranOrder)
    return takeFloats(data, header.type === 'f8' ? 'F64' : 'F32');
  return Float32Array.from(npyNumbers(header, Buffer.from(data)));
}

/** The arrays as variables of Keras layers, where their names are such. */
function kerasVariables(tensors: ReadonlyMap<string, Parameter>): KerasVariable[] | undefined {
  const variables = [...tensors].flatMap(([name, value]) => {
    const known = kerasName(name.split('/'));
    return known === undefined ? [] : [{ ...known, value }];
  });
  return kerasFamily(new Set(variables.map(({ layer }) => layer))) === undefined ? undefined : variables;
}
