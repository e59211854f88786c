import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { ArchiveMember } from './zip.js';

/** Bytes of an archive's member by place in the unpacked data. */
export interface MemberReader {
  /** Exactly these bytes, which must lie within the member. Throws DATA where it is damaged, IO. */
  read(position: number, length: number): Promise<Buffer>;
  /** Frees what the next read could have gone on with; to be called while none is under way. */
  close(): void;
}

export function memberReader(file: string, member: ArchiveMember): MemberReader {
  return member.deflated ? new InflatingReader(file, member) : new RangeReader(file, member);
}

/** A stored member: any range costs one read. */
class RangeReader implements MemberReader {
  constructor(
    private readonly file: string,
    private readonly member: ArchiveMember,
  ) {}

  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    try {
      const handle = await open(this.file, 'r');
      try {
        while (done < length) {
          const at = this.member.start + position + done;
          const { bytesRead } = await handle.read(bytes, done, length - done, at);
          if (bytesRead === 0) throw damaged(this.file, this.member, 'it ends early');
          done += bytesRead;
        }
      } finally {
        await handle.close();
      }
    } catch (cause) {
      throw ioError(cause, this.file, 'read');
    }
    return bytes;
  }

  close(): void {}
}

const PACKED_CHUNK = 256 * 1024;
const CHUNK = 256 * 1024;
/** A reader that nobody asks for so long closes its file; the next read begins anew. */
const IDLE_MILLISECONDS = 10_000;

/**
 * A deflated member can only be unpacked from its beginning. Reads in ascending order share one pass over it, whatever its
 * size, and hold a chunk of 256 KB; a read before the last one begins a new pass. Reads wait for each other. A pass that
 * reaches the end compares the checksum.
 */
class InflatingReader implements MemberReader {
  private pass: InflatingPass | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: string,
    private readonly member: ArchiveMember,
  ) {}

  read(position: number, length: number): Promise<Buffer> {
    const bytes = this.last.then(() => this.readNow(position, length));
    this.last = bytes.catch(() => {});
    return bytes;
  }

  private async readNow(position: number, length: number): Promise<Buffer> {
    clearTimeout(this.idle);
    if (this.pass !== undefined && position < this.pass.position) this.close();
    this.pass ??= new InflatingPass(this.file, this.member);
    try {
      await this.pass.skip(position - this.pass.position);
      const bytes = await this.pass.take(length);
      if (this.pass.position === this.member.bytes) {
        await this.pass.finish();
        this.close();
      } else {
        this.idle = setTimeout(() => this.close(), IDLE_MILLISECONDS);
        this.idle.unref();
      }
      return bytes;
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  close(): void {
    clearTimeout(this.idle);
    this.pass?.close();
    this.pass = undefined;
  }
}

class InflatingPass {
  /** Bytes of the member that were taken or skipped. */
  position = 0;
  private readonly source;
  private readonly inflated: InflateRaw;
  private readonly chunks: AsyncIterator<Buffer>;
  /** Unpacked and not yet taken. */
  private rest: Buffer = Buffer.alloc(0);
  private unpacked = 0;
  private checksum = 0;

  constructor(
    private readonly file: string,
    private readonly member: ArchiveMember,
  ) {
    const { start, packedBytes } = member;
    this.source = createReadStream(file, {
      start,
      end: start + packedBytes - 1,
      highWaterMark: PACKED_CHUNK,
    });
    this.inflated = createInflateRaw({ chunkSize: CHUNK });
    this.source.on('error', (error) => this.inflated.destroy(error));
    // The iterator throws it; without a listener it would end the process where nobody waits at that moment.
    this.inflated.on('error', () => {});
    this.chunks = this.source.pipe(this.inflated)[Symbol.asyncIterator]();
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.next(left)).byteLength;
  }

  /** The length is one that the member has: checked against its shape, and that against its packed size. */
  async take(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const part = await this.next(length - done);
      part.copy(bytes, done);
      done += part.byteLength;
    }
    return bytes;
  }

  /** After the last byte. */
  async finish(): Promise<void> {
    if ((await this.chunk()) !== undefined)
      throw damaged(this.file, this.member, 'it is longer than it says');
    if (this.checksum !== this.member.checksum)
      throw damaged(this.file, this.member, 'its checksum is another');
  }

  close(): void {
    this.source.destroy();
    this.inflated.destroy();
  }

  /** The next bytes, as many as are at hand, `most` at most. */
  private async next(most: number): Promise<Buffer> {
    if (this.rest.byteLength === 0) {
      const chunk = await this.chunk();
      if (chunk === undefined) throw damaged(this.file, this.member, 'it ends early');
      this.rest = chunk;
    }
    const part = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(part.byteLength);
    this.position += part.byteLength;
    return part;
  }

  private async chunk(): Promise<Buffer | undefined> {
    let chunk: IteratorResult<Buffer, undefined>;
    try {
      chunk = await this.chunks.next();
    } catch (cause) {
      const { code = '' } = cause as NodeJS.ErrnoException;
      if (code.startsWith('Z_')) throw damaged(this.file, this.member, messageOf(cause), cause);
      throw ioError(cause, this.file, 'read');
    }
    if (chunk.done === true) return undefined;
    this.unpacked += chunk.value.byteLength;
    if (this.unpacked > this.member.bytes) throw damaged(this.file, this.member, 'it is longer than it says');
    this.checksum = crc32(chunk.value, this.checksum);
    return chunk.value;
  }
}

function damaged(file: string, { name }: ArchiveMember, why: string, cause?: unknown): ThawError {
  return new ThawError('DATA', `the member of the archive is damaged: ${why}.`, {
    file,
    node: name,
    hint: 'Download the archive again.',
    cause,
  });
}
