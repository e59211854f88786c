import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl';
import { messageOf, ThawError } from '../../base/errors.js';
import { ZipReader } from '../../base/zip-reader.js';
import type { ByteSource } from './byte-source.js';
import { readPickle } from './pickle.js';
import { PickleCutShort } from './pickle-reader.js';
import { LONGEST_PICKLE, type PthContainer } from './pth-container.js';
import { type StorageRef, torchRules } from './pth-tensor.js';

interface Member {
  readonly entry: Entry;
  /** Byte behind the room that the directory leaves for it. */
  readonly limit: number;
}

interface Archive {
  readonly zip: ZipFile;
  readonly members: ReadonlyMap<string, Member>;
}

/** The end of a file is read at once: the directory of most files is in it. */
const TAIL = 512 * 1024;
const MOST_MEMBERS = 200_000;
const STORED = 0;
const REFETCH = { hint: 'The file is damaged or cut short: fetch it again.' };

/**
 * Opens the zip format of `torch.save` (PyTorch 1.6 and later): `<name>/data.pkl`, and a stored member `<name>/data/<key>` for
 * each storage. Members are read where they lie; compressed ones, which torch.save never writes, are refused, and so are
 * members that share bytes, so that nothing larger than the file can come out of it.
 * Throws MODEL, naming the member, for anything that is damaged or not weights.
 */
export async function openPthZip(source: ByteSource, file: string): Promise<PthContainer> {
  const archive = await readDirectory(source, file);
  const { members } = archive;
  const pickles = [...members.keys()].filter((name) => name.endsWith('/data.pkl'));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    const summary = `expects one pickle data.pkl in the archive, found ${pickles.length}: not a file of torch.save.`;
    throw new ThawError('MODEL', summary, { file });
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (members.has(`${folder}constants.pkl`)) {
    throw new ThawError('MODEL', 'is a TorchScript archive, whose code is not read.', {
      file,
      hint: 'Save its weights alone: torch.save(torch.jit.load(file).state_dict(), "weights.pth").',
    });
  }
  const read = (name: string, longest?: number) => readMember(source, file, archive, name, longest);
  if (members.has(`${folder}byteorder`)) await expectLittleEndian(read(`${folder}byteorder`, 64), file);
  const storages = new Map<string, StorageRef>();
  const bytes = await read(pickle, LONGEST_PICKLE);
  return {
    root: wholePickle(bytes, storages, file, pickle),
    readStorage: async (storage) => {
      const name = `${folder}data/${storage.key}`;
      const received = members.get(name)?.entry.uncompressedSize;
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

/** Members by name. Throws MODEL for a directory that is damaged, or that a careful reader would not follow. */
async function readDirectory(source: ByteSource, file: string): Promise<Archive> {
  const entries = new Map<string, Entry>();
  try {
    const tailStart = Math.max(0, source.size - TAIL);
    const tail = await source.read(tailStart, source.size - tailStart);
    const reader = readerOf(source, tail);
    const zip = await fromRandomAccessReaderPromise(reader, source.size, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      if (entries.size >= MOST_MEMBERS) throw new Error(`more than ${MOST_MEMBERS} members`);
      if (entries.has(entry.fileName)) throw new Error(`${entry.fileName} is in it twice`);
      if (entry.isEncrypted()) throw new Error(`${entry.fileName} is encrypted`);
      if (entry.compressionMethod !== STORED)
        throw new Error(`${entry.fileName} is compressed, and torch.save stores its members as they are`);
      entries.set(entry.fileName, entry);
    }
    return { zip, members: withLimits(entries, source.size) };
  } catch (cause) {
    const summary = `not a readable archive of torch.save: ${messageOf(cause)}.`;
    throw new ThawError('MODEL', summary, { file, ...REFETCH, cause });
  }
}

/** A member may reach to where the next one begins; none may begin where another does. */
function withLimits(entries: ReadonlyMap<string, Entry>, size: number): Map<string, Member> {
  const members = new Map<string, Member>();
  const sorted = [...entries.values()].sort(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  );
  sorted.forEach((entry, index) => {
    members.set(entry.fileName, { entry, limit: sorted[index + 1]?.relativeOffsetOfLocalHeader ?? size });
  });
  return members;
}

async function readMember(
  source: ByteSource,
  file: string,
  { zip, members }: Archive,
  name: string,
  longest = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const member = members.get(name);
  if (member === undefined)
    throw new ThawError('MODEL', 'the archive lacks this member.', { file, node: name, ...REFETCH });
  const { uncompressedSize: length, crc32: checksum } = member.entry;
  if (length > longest) {
    const summary = `expects at most ${longest} bytes, received ${length}.`;
    throw new ThawError('MODEL', summary, { file, node: name });
  }
  const { fileDataStart } = await zip
    .readLocalFileHeaderPromise(member.entry, { minimal: true })
    .catch((cause: unknown) => {
      const summary = `cannot be found in the archive: ${messageOf(cause)}.`;
      throw new ThawError('MODEL', summary, { file, node: name, ...REFETCH, cause });
    });
  if (fileDataStart + length > member.limit) {
    const summary = `its ${length} bytes reach into the next member or behind the file.`;
    throw new ThawError('MODEL', summary, { file, node: name, ...REFETCH });
  }
  const bytes = await source.read(fileDataStart, length);
  // A file that was written without checksums holds zeros for them.
  if (checksum !== 0 && crc32(bytes) !== checksum)
    throw new ThawError('MODEL', 'its bytes do not have their checksum.', { file, node: name, ...REFETCH });
  return bytes;
}

async function expectLittleEndian(bytes: Promise<Uint8Array>, file: string): Promise<void> {
  const order = Buffer.from(await bytes).toString('latin1');
  if (order === 'little') return;
  throw new ThawError('MODEL', `expects numbers in little-endian order, received "${order}".`, {
    file,
    hint: 'Load the file in Python and save it again on an ordinary machine.',
  });
}

/** `tail` are the source's last bytes, where the directory lies. */
function readerOf(source: ByteSource, tail: Uint8Array): ZipReader {
  const start = source.size - tail.byteLength;
  return new ZipReader(source.size, async (position, length) =>
    position >= start
      ? tail.subarray(position - start, position - start + length)
      : source.read(position, length),
  );
}
