import { ThawError } from '../../base/errors.js';
import type { ByteSource } from './byte-source.js';
import { readPickle } from './pickle.js';
import { PickleCutShort } from './pickle-reader.js';
import { LONGEST_PICKLE, type PthContainer } from './pth-container.js';
import { type StorageRef, torchRules } from './pth-tensor.js';
import { openStoredArchive, REFETCH } from './stored-archive.js';

/**
 * Opens the zip format of `torch.save` (PyTorch 1.6 and later): `<name>/data.pkl`, and a stored member `<name>/data/<key>` for
 * each storage. Members are read where they lie; compressed ones, which torch.save never writes, are refused, and so are
 * members that share bytes, so that nothing larger than the file can come out of it.
 * Throws MODEL, naming the member, for anything that is damaged or not weights.
 */
export async function openPthZip(source: ByteSource, file: string): Promise<PthContainer> {
  const { names, size, read } = await openStoredArchive(source, file, 'torch.save');
  const pickles = names.filter((name) => name.endsWith('/data.pkl'));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    const summary = `expects one pickle data.pkl in the archive, found ${pickles.length}: not a file of torch.save.`;
    throw new ThawError('MODEL', summary, { file });
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (size(`${folder}constants.pkl`) !== undefined) {
    throw new ThawError('MODEL', 'is a TorchScript archive, whose code is not read.', {
      file,
      hint: 'Save its weights alone: torch.save(torch.jit.load(file).state_dict(), "weights.pth").',
    });
  }
  if (size(`${folder}byteorder`) !== undefined)
    await expectLittleEndian(read(`${folder}byteorder`, 64), file);
  const storages = new Map<string, StorageRef>();
  const bytes = await read(pickle, LONGEST_PICKLE);
  return {
    root: wholePickle(bytes, storages, file, pickle),
    readStorage: async (storage) => {
      const name = `${folder}data/${storage.key}`;
      const received = size(name);
      if (received !== undefined && received !== storage.bytes) {
        const expected = `expects ${storage.bytes} bytes for ${storage.count} numbers ${storage.type}`;
        throw new ThawError('MODEL', `${expected}, received ${received}.`, { file, node: name, ...REFETCH });
      }
      return read(name);
    },
  };
}

function wholePickle(
  bytes: Uint8Array,
  storages: Map<string, StorageRef>,
  file: string,
  node: string,
): unknown {
  try {
    return readPickle(bytes, 0, torchRules(storages)).value;
  } catch (error) {
    if (!(error instanceof PickleCutShort)) throw error;
    throw new ThawError('MODEL', 'the pickle ends before its last step.', { file, node, ...REFETCH });
  }
}

async function expectLittleEndian(bytes: Promise<Uint8Array>, file: string): Promise<void> {
  const order = Buffer.from(await bytes).toString('latin1');
  if (order === 'little') return;
  throw new ThawError('MODEL', `expects numbers in little-endian order, received "${order}".`, {
    file,
    hint: 'Load the file in Python and save it again on an ordinary machine.',
  });
}
