import { open } from 'node:fs/promises';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import {
  elementBytes,
  elementCount,
  NPY_PREFIX_BYTES,
  type NpyHeader,
  npyDataStart,
  npyNumbers,
  parseNpyHeader,
} from '../base/npy.js';
import { type MemberReader, memberReader } from './archive-reader.js';
import { readArchive } from './zip.js';

/** Arrays that must be read as a whole: labels, and images in Fortran order. */
const MOST_WHOLE_BYTES = 2 ** 28;
const MOST_NUMBERS = 2 ** 25;

/** One array of an `.npz` archive; its elements are read when asked for. */
export interface NpzArray extends NpyHeader {
  readonly file: string;
  /** Name in the archive, such as `train_images`. */
  readonly name: string;
  readonly reader: MemberReader;
}

/**
 * The arrays of these names in an archive that NumPy's `savez` or `savez_compressed` has written: headers alone, each
 * checked against the real size of its member. Throws IO, DATA (damaged, missing, of a type or shape that is not read).
 */
export async function openNpz<Name extends string>(
  file: string,
  wanted: readonly Name[],
): Promise<Record<Name, NpzArray>> {
  const { members, names } = await membersOf(file, new Set(wanted.map((name) => `${name}.npy`)));
  const arrays: Partial<Record<Name, NpzArray>> = {};
  for (const name of wanted) {
    const member = members.get(`${name}.npy`);
    if (member === undefined) {
      throw new ThawError('DATA', `the archive has no array '${name}'.`, {
        file,
        hint: `It has ${names.slice(0, 20).join(', ') || 'no members'}.`,
      });
    }
    const reader = memberReader(file, member);
    const prefix = await reader.read(0, Math.min(NPY_PREFIX_BYTES, member.bytes));
    const dataStart = npyDataStart(prefix, file, name);
    if (dataStart > member.bytes) {
      throw new ThawError('DATA', 'the array ends within its header.', { file, node: name });
    }
    const rest = await reader.read(prefix.byteLength, Math.max(0, dataStart - prefix.byteLength));
    reader.close();
    const header = parseNpyHeader(Buffer.concat([prefix, rest], dataStart), file, name);
    const expected = dataStart + elementCount(header.shape) * elementBytes(header.type);
    if (expected !== member.bytes) {
      throw new ThawError(
        'DATA',
        `an array of shape (${header.shape.join(', ')}) and type '${header.typeName}' needs ${expected} bytes, the archive has ${member.bytes}.`,
        { file, node: name, hint: 'Download the archive again.' },
      );
    }
    arrays[name] = { ...header, file, name, reader };
  }
  return arrays as Record<Name, NpzArray>;
}

async function membersOf(file: string, wanted: ReadonlySet<string>) {
  try {
    const handle = await open(file, 'r');
    try {
      return await readArchive(handle, file, (name) => wanted.has(name));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw ioError(cause, file, 'read');
  }
}

/** All elements as numbers, row by row. Throws DATA when there are too many. */
export async function numbersOf(array: NpzArray): Promise<Float64Array> {
  const count = elementCount(array.shape);
  if (count <= MOST_NUMBERS) return npyNumbers(array, await wholeOf(array));
  throw new ThawError('DATA', `expected at most ${MOST_NUMBERS} numbers, found ${count}.`, {
    file: array.file,
    node: array.name,
  });
}

/** All bytes of the elements. */
async function wholeOf({ file, name, reader, shape, type, dataStart }: NpzArray): Promise<Buffer> {
  const bytes = elementCount(shape) * elementBytes(type);
  if (bytes <= MOST_WHOLE_BYTES) return reader.read(dataStart, bytes);
  throw new ThawError('DATA', `the array is too large to be read as a whole (${bytes} bytes).`, {
    file,
    node: name,
    hint: 'Images must be saved in C order (numpy.ascontiguousarray).',
  });
}

/** About so many bytes are read at once, and three such blocks are kept. */
const BLOCK_BYTES = 2 ** 20;
const BLOCKS = 3;

/**
 * Slices `array[i]` of an array of bytes, C order within the slice. Many may be asked for at a time; in about ascending order
 * they cost one pass over the member, and three blocks of a megabyte (or of one slice) are held, whatever the array's size.
 */
export class NpzSlices {
  private readonly sliceBytes: number;
  private readonly blockSlices: number;
  private readonly blocks = new Map<number, Promise<Buffer>>();
  private whole: Promise<Buffer> | undefined;

  constructor(private readonly array: NpzArray) {
    this.sliceBytes = elementCount(array.shape.slice(1));
    this.blockSlices = Math.max(1, Math.floor(BLOCK_BYTES / this.sliceBytes));
  }

  /** Throws DATA where the member is damaged, IO. */
  async slice(index: number): Promise<Uint8Array> {
    if (this.array.fortranOrder) return this.gather(index);
    const number = Math.floor(index / this.blockSlices);
    const block = await this.block(number);
    const start = (index - number * this.blockSlices) * this.sliceBytes;
    return block.subarray(start, start + this.sliceBytes);
  }

  private block(number: number): Promise<Buffer> {
    const known = this.blocks.get(number);
    if (known !== undefined) return known;
    const first = number * this.blockSlices;
    const slices = Math.min(this.blockSlices, this.array.shape[0]! - first);
    const block = this.array.reader.read(
      this.array.dataStart + first * this.sliceBytes,
      slices * this.sliceBytes,
    );
    this.blocks.set(number, block);
    block.catch(() => this.blocks.delete(number));
    if (this.blocks.size > BLOCKS) this.blocks.delete(this.blocks.keys().next().value!);
    return block;
  }

  /** Fortran order: the elements of a slice lie apart by the number of slices, the first of its indices running fastest. */
  private async gather(index: number): Promise<Uint8Array> {
    this.whole ??= wholeOf(this.array);
    const elements = await this.whole;
    const [slices = 0, height = 1, width = 1, channels = 1] = this.array.shape;
    const slice = new Uint8Array(this.sliceBytes);
    for (let y = 0, place = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          slice[place++] = elements[index + slices * (y + height * (x + width * c))]!;
        }
      }
    }
    return slice;
  }
}
