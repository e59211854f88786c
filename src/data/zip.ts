import type { FileHandle } from 'node:fs/promises';
import { type Entry, fromRandomAccessReaderPromise } from 'yauzl';
import { messageOf, ThawError } from '../base/errors.js';
import { ZipReader } from '../base/zip-reader.js';

/** A file within an archive: where its bytes lie and what they become. */
export interface ArchiveMember {
  readonly name: string;
  /** First byte of its data in the archive. */
  readonly start: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Deflated, or stored as it is. */
  readonly deflated: boolean;
  /** CRC-32 of the unpacked bytes. */
  readonly checksum: number;
}

const STORED = 0;
const DEFLATED = 8;
/** No deflated stream grows more when it is unpacked (zlib's technical details). */
const MOST_EXPANSION = 1032;
const MOST_MEMBERS = 1000;

/**
 * The members of a zip archive (zip64 too) with these names, and the names of all. Nothing is unpacked; sizes are checked
 * against the archive's own: a member that claims to be larger than its bytes can become is refused.
 * Throws DATA where the archive is damaged, or a wanted member is encrypted or packed in another way than deflate.
 */
export async function readArchive(
  handle: FileHandle,
  file: string,
  wanted: (name: string) => boolean,
): Promise<{ members: ReadonlyMap<string, ArchiveMember>; names: readonly string[] }> {
  const members = new Map<string, ArchiveMember>();
  const names: string[] = [];
  const { size } = await handle.stat();
  try {
    const zip = await fromRandomAccessReaderPromise(readerOf(handle, size), size, {
      autoClose: false,
    });
    for await (const entry of zip.eachEntry()) {
      if (names.push(entry.fileName) > MOST_MEMBERS) throw new Error(`more than ${MOST_MEMBERS} members`);
      if (!wanted(entry.fileName)) continue;
      if (members.has(entry.fileName)) throw new Error(`${entry.fileName} is in it twice`);
      const fault = faultOf(entry);
      if (fault !== undefined) throw new ThawError('DATA', fault, { file, node: entry.fileName });
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      members.set(entry.fileName, {
        name: entry.fileName,
        start: fileDataStart,
        packedBytes: entry.compressedSize,
        bytes: entry.uncompressedSize,
        deflated: entry.compressionMethod === DEFLATED,
        checksum: entry.crc32,
      });
    }
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw new ThawError('DATA', `not a readable zip archive (${messageOf(cause)}).`, {
      file,
      hint: 'Download it again.',
      cause,
    });
  }
  return { members, names };
}

function faultOf(entry: Entry): string | undefined {
  if ((entry.generalPurposeBitFlag & 1) !== 0) return 'the member is encrypted.';
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    return `expected a stored or deflated member, found compression method ${entry.compressionMethod}.`;
  }
  const { compressedSize, uncompressedSize } = entry;
  if (uncompressedSize <= MOST_EXPANSION * compressedSize) return undefined;
  return `${compressedSize} packed bytes cannot become the ${uncompressedSize} that the archive claims.`;
}

function readerOf(handle: FileHandle, size: number): ZipReader {
  return new ZipReader(size, async (position, length) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  });
}
