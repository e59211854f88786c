import { ThawError } from '../../base/errors.js';
import type { ByteSource } from './byte-source.js';
import { type PickleRules, readPickle } from './pickle.js';
import { PickleCutShort } from './pickle-reader.js';
import { describe } from './pickle-values.js';
import { LONGEST_PICKLE, type PthContainer } from './pth-container.js';
import { elementBytes, type StorageRef, torchRules } from './pth-tensor.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** First part of a file that is read for its pickles; doubled until they fit. */
const FIRST_WINDOW = 2 ** 20;

const nothingOutside: PickleRules = {
  find: () => undefined,
  persistent: () => {
    throw fault('refers to something outside of it');
  },
};

interface Pickles {
  readonly root: unknown;
  /** In the order in which their numbers follow. */
  readonly keys: readonly string[];
  readonly storages: ReadonlyMap<string, StorageRef>;
  /** Byte behind the last pickle. */
  readonly end: number;
}

/**
 * Opens the format of `torch.save` before PyTorch 1.6: pickles of a magic number, a version, the machine's number format, the
 * object and the list of storage keys, then for each key an int64 count and the numbers.
 * Throws MODEL for anything that is damaged or not weights.
 */
export async function openPthLegacy(source: ByteSource, file: string): Promise<PthContainer> {
  const { root, keys, storages, end } = await readPickles(source, file);
  const starts = await locateStorages(source, file, { keys, storages, end });
  return {
    root,
    readStorage: async (storage) => {
      const start = starts.get(storage.key);
      if (start === undefined)
        throw new ThawError('MODEL', `lacks the numbers of storage ${storage.key}.`, { file });
      return source.read(start, storage.bytes);
    },
  };
}

async function readPickles(source: ByteSource, file: string): Promise<Pickles> {
  for (let window = FIRST_WINDOW; ; window *= 2) {
    const length = Math.min(window, source.size, LONGEST_PICKLE);
    try {
      return parse(await source.read(0, length));
    } catch (error) {
      if (!(error instanceof PickleCutShort)) throw error;
      if (length < Math.min(source.size, LONGEST_PICKLE)) continue;
      throw new ThawError('MODEL', 'the pickle ends before its last step.', {
        file,
        hint: 'The file is cut short: fetch it again.',
      });
    }
  }
}

function parse(bytes: Uint8Array): Pickles {
  const magic = readPickle(bytes, 0, nothingOutside);
  if (magic.value !== MAGIC) throw fault('is not one of torch.save');
  const version = readPickle(bytes, magic.end, nothingOutside);
  if (version.value !== VERSION) throw fault(`has another version of the format than ${VERSION}`);
  const machine = readPickle(bytes, version.end, nothingOutside);
  if (!(machine.value instanceof Map))
    throw fault(`expects a dict about the machine, found ${describe(machine.value)}`);
  if (machine.value.get('little_endian') !== true) throw fault('holds numbers in big-endian order');
  const storages = new Map<string, StorageRef>();
  const root = readPickle(bytes, machine.end, torchRules(storages));
  const keys = readPickle(bytes, root.end, nothingOutside);
  if (!isKeys(keys.value)) throw fault(`expects a list of storage keys, found ${describe(keys.value)}`);
  return { root: root.value, keys: keys.value, storages, end: keys.end };
}

/** Where the numbers of each storage begin; throws MODEL unless the file has all of them. */
async function locateStorages(
  source: ByteSource,
  file: string,
  { keys, storages, end }: Omit<Pickles, 'root'>,
): Promise<ReadonlyMap<string, number>> {
  const starts = new Map<string, number>();
  let position = end;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined || starts.has(key)) {
      const what = storage === undefined ? 'which no tensor uses' : 'a second time';
      throw new ThawError('MODEL', `lists the storage ${key}, ${what}.`, { file });
    }
    const missing = position + 8 > source.size;
    const count = missing ? 0 : await readCount(source, position);
    if (!missing && count !== storage.count) {
      const summary = `expects ${storage.count} numbers in storage ${key}, received ${count}.`;
      throw new ThawError('MODEL', summary, { file, hint: 'The file is damaged: fetch it again.' });
    }
    starts.set(key, position + 8);
    position += 8 + storage.count * elementBytes(storage.type);
    if (missing || position > source.size) {
      const summary = `storage ${key} ends at byte ${position} of a file of ${source.size}: the file is truncated.`;
      throw new ThawError('MODEL', summary, { file, hint: 'Fetch it again.' });
    }
  }
  return starts;
}

async function readCount(source: ByteSource, position: number): Promise<number> {
  return Number(Buffer.from(await source.read(position, 8)).readBigInt64LE());
}

function isKeys(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((key) => typeof key === 'string');
}

function fault(what: string): ThawError {
  return new ThawError('MODEL', `the pickle ${what}.`, {
    hint: 'Expected is a file of torch.save, such as a state dict.',
  });
}
