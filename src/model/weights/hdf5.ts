import type { Dataset, Group } from 'h5wasm';
import { messageOf, ThawError } from '../../base/errors.js';
import { formatShape } from '../shapes.js';

/** A data set of an HDF5 file. */
export interface Hdf5Array {
  /** Names of the groups that it lies in, and its own. */
  readonly path: readonly string[];
  /** `F32`, `I64` … as safetensors calls them; another word for what is no number. */
  readonly type: string;
  readonly shape: readonly number[];
  /** The attribute `name` of the group that it lies in. */
  readonly groupName?: string;
  /** Elements in row-major order, little endian; absent unless they were asked for. */
  readonly bytes?: Uint8Array;
}

const MAGIC = '\x89HDF\r\n\x1a\n';
const FILE = '/weights.h5';
const LOG = '/errors.txt';
/** ResNet-152 has 2,000 groups and data sets. */
const MOST_OBJECTS = 20_000;
const MOST_DEPTH = 16;
const MOST_NAME = 512;
/** Bytes of arrays that a file may hold, in bytes of the file: compressed ones are larger than it. */
const MOST_EXPANSION = 8;
const FREE_BYTES = 4 * 2 ** 20;
const REFETCH = 'The file is damaged or cut short: fetch it again.';

type Library = typeof import('h5wasm');
let loaded: Promise<Library> | undefined;
/** One file is open at a time: the library has one memory. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * The data sets of an HDF5 file, through the HDF Group's library compiled to WebAssembly (h5wasm): it sees these bytes and no
 * other file, so that links into other files lead nowhere. `wanted` says of which the elements are read. Throws MODEL for a
 * file that is damaged, or that holds more than its size accounts for.
 */
export async function readHdf5(
  bytes: Uint8Array,
  file: string,
  wanted: (array: Hdf5Array) => boolean,
): Promise<Hdf5Array[]> {
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw new ThawError('MODEL', 'not an HDF5 file (its first bytes are others).', { file, hint: REFETCH });
  loaded ??= load();
  const library = await loaded;
  const { FS } = library.Module;
  const work = async () => {
    try {
      FS.writeFile(FILE, bytes);
      return readFile(library, bytes.byteLength, wanted);
    } catch (cause) {
      if (cause instanceof ThawError) {
        const { node } = cause.place;
        throw new ThawError('MODEL', cause.summary, { file, ...(node === undefined ? {} : { node }), cause });
      }
      const reason = complaint(FS) ?? messageOf(cause).split('\n')[0]?.slice(0, 200);
      throw new ThawError('MODEL', `not a readable HDF5 file: ${reason}.`, { file, hint: REFETCH, cause });
    } finally {
      FS.truncate(LOG, 0);
      if (FS.analyzePath(FILE).exists) FS.unlink(FILE);
    }
  };
  const result = queue.then(work, work);
  queue = result.catch(() => {});
  return result;
}

/** The library writes its errors to the standard error of its own small file system: here to a file there. */
async function load(): Promise<Library> {
  const library = await import('h5wasm');
  const { FS } = await library.ready;
  // Part of emscripten's interface that h5wasm's types leave out.
  const { getStream } = FS as unknown as { getStream(descriptor: number): Parameters<typeof FS.close>[0] };
  FS.close(getStream(2));
  FS.open(LOG, 'a');
  return library;
}

/** What the library has found wrong, in its own words: the innermost line of its first error. */
function complaint(FS: Library['Module']['FS']): string | undefined {
  const log = Buffer.from(FS.readFile(LOG) as unknown as Uint8Array).toString('latin1', 0, 20_000);
  const first = log.split('HDF5-DIAG')[1] ?? '';
  return [...first.matchAll(/^ {2}#\d+: .* line \d+ in \w+\(\): (.+)$/gm)].at(-1)?.[1]?.slice(0, 200);
}

function readFile(library: Library, size: number, wanted: (array: Hdf5Array) => boolean): Hdf5Array[] {
  const file = new library.File(FILE, 'r');
  if (file.file_id < 0n) throw new Error('it cannot be opened');
  try {
    const arrays: Hdf5Array[] = [];
    let objects = 0;
    let room = MOST_EXPANSION * size + FREE_BYTES;
    const visit = (group: Group, path: readonly string[]): void => {
      for (const name of group.keys()) {
        if (++objects > MOST_OBJECTS) throw new ThawError('MODEL', `has more than ${MOST_OBJECTS} objects.`);
        if (name.length > MOST_NAME || path.length >= MOST_DEPTH)
          throw new ThawError('MODEL', 'has groups or names that no weight file has.', {
            node: path.join('/').slice(0, 200),
          });
        const object = group.get(name);
        if (object instanceof library.Group) visit(object, [...path, name]);
        else if (object instanceof library.Dataset) {
          const array = describe(object, group, [...path, name]);
          if (!wanted(array)) {
            arrays.push(array);
            continue;
          }
          room -= cost(object);
          if (room < 0) {
            const what = `is an array ${formatShape(array.shape)}`;
            throw new ThawError('MODEL', `${what}, too large for a file of ${size} bytes.`, {
              node: array.path.join('/'),
            });
          }
          arrays.push({ ...array, bytes: elements(library, object) });
        }
      }
    };
    visit(file, []);
    return arrays;
  } finally {
    file.close();
  }
}

function describe(dataset: Dataset, group: Group, path: readonly string[]): Hdf5Array {
  const { shape } = dataset.metadata;
  const name = group.attrs.name?.value;
  return {
    path,
    type: typeOf(dataset),
    shape: shape ?? [],
    ...(typeof name === 'string' && name.length <= MOST_NAME ? { groupName: name } : {}),
  };
}

/** HDF5's classes of types: 0 integers, 1 floating-point numbers. */
function typeOf(dataset: Dataset): string {
  const { type, size, signed, littleEndian, shape } = dataset.metadata;
  if (shape === null || !littleEndian || type > 1) return 'other';
  return type === 1 ? `F${size * 8}` : `${signed ? 'I' : 'U'}${size * 8}`;
}

/** Bytes that reading takes: the array, or the one chunk of it that is larger. */
function cost(dataset: Dataset): number {
  const { shape, chunks, size } = dataset.metadata;
  const bytes = (lengths: readonly number[]) => lengths.reduce((product, length) => product * length, size);
  return Math.max(bytes(shape ?? []), bytes(chunks ?? [0]));
}

/** The elements as they are: the library's own reader of values knows no half precision. */
function elements({ Module: module }: Library, dataset: Dataset): Uint8Array {
  const { shape, size } = dataset.metadata;
  const length = (shape ?? []).reduce((product, count) => product * count, size);
  if (length === 0) return new Uint8Array();
  const place = Number(module._malloc(length));
  if (place === 0) throw new Error(`no memory for ${length} bytes`);
  try {
    const { file_id: id, path } = dataset;
    if (module.get_dataset_data(id, path, null, null, null, BigInt(place)) < 0)
      throw new Error(`${path} cannot be read`);
    return module.HEAPU8.slice(place, place + length);
  } finally {
    module._free(place);
  }
}
