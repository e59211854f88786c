import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl';
import { messageOf, ThawError } from '../../base/errors.js';
import { ZipReader } from '../../base/zip-reader.js';
import type { ByteSource } from './byte-source.js';

/** A zip archive whose members are read where they lie. */
export interface StoredArchive {
  readonly names: readonly string[];
  /** Bytes of a member, undefined where there is none. */
  readonly size: (name: string) => number | undefined;
  /** The bytes of a member, checked; at most `longest`. Throws MODEL, naming the member. */
  readonly read: (name: string, longest?: number) => Promise<Uint8Array>;
}

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
const DEFLATED = 8;

export const REFETCH = { hint: 'The file is damaged or cut short: fetch it again.' };

/**
 * Opens an archive of `writer` (`torch.save`, `Keras`, `numpy`), which stores its members as they are; where `deflated` says so
 * they may be compressed. Members that share bytes are refused, so that what comes out of stored ones is no larger than the file.
 * Throws MODEL for anything that is damaged.
 */
export async function openStoredArchive(
  source: ByteSource,
  file: string,
  writer: string,
  options: { readonly deflated?: boolean } = {},
): Promise<StoredArchive> {
  const archive = await readDirectory(source, file, writer, options.deflated ?? false);
  return {
    names: [...archive.members.keys()],
    size: (name) => archive.members.get(name)?.entry.uncompressedSize,
    read: (name, longest) => readMember(source, file, archive, name, longest),
  };
}

/** Members by name. Throws MODEL for a directory that is damaged, or that a careful reader would not follow. */
async function readDirectory(
  source: ByteSource,
  file: string,
  writer: string,
  deflated: boolean,
): Promise<Archive> {
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
      if (entry.compressionMethod !== STORED && !(deflated && entry.compressionMethod === DEFLATED))
        throw new Error(`${entry.fileName} is compressed, and ${writer} stores its members as they are`);
      entries.set(entry.fileName, entry);
    }
    return { zip, members: withLimits(entries, source.size) };
  } catch (cause) {
    const summary = `not a readable archive of ${writer}: ${messageOf(cause)}.`;
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
  const { uncompressedSize: length, compressedSize, compressionMethod, crc32: checksum } = member.entry;
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
  const packed = compressionMethod === STORED ? length : compressedSize;
  if (fileDataStart + packed > member.limit) {
    const summary = `its ${packed} bytes reach into the next member or behind the file.`;
    throw new ThawError('MODEL', summary, { file, node: name, ...REFETCH });
  }
  const stored = await source.read(fileDataStart, packed);
  const bytes = compressionMethod === STORED ? stored : inflated(stored, length, file, name);
  // A file that was written without checksums holds zeros for them.
  if (checksum !== 0 && crc32(bytes) !== checksum)
    throw new ThawError('MODEL', 'its bytes do not have their checksum.', { file, node: name, ...REFETCH });
  return bytes;
}

function inflated(bytes: Uint8Array, length: number, file: string, node: string): Uint8Array {
  try {
    const whole = inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) });
    if (whole.byteLength === length) return new Uint8Array(whole);
    throw new Error(`expected ${length} bytes, received ${whole.byteLength}`);
  } catch (cause) {
    const summary = `cannot be decompressed: ${messageOf(cause)}.`;
    throw new ThawError('MODEL', summary, { file, node, ...REFETCH, cause });
  }
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
