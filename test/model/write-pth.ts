import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** A file of this name in a folder of its own. */
export function temporaryFile(name: string, content: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), 'thaw-model-')), name);
  writeFileSync(path, content);
  return path;
}

export interface ZipMember {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflated?: boolean;
  /** Where the directory says its local header is; absent = where it is. */
  readonly offset?: number;
  /** Its length in the directory; absent = the true one. */
  readonly claims?: number;
}

/** A zip archive as its members say, true or not. */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const { name, data, deflated = false, offset = position, claims = data.byteLength } of members) {
    const packed = deflated ? deflateRawSync(data) : data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(deflated ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(deflated ? packed.byteLength : claims, 14);
    fields.writeUInt32LE(claims, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const version = Buffer.from([20, 0]);
    const entry = [Buffer.from('PK\x01\x02', 'latin1'), version, fields, tail, Buffer.from(name)];
    directory.push(Buffer.concat(entry));
    locals.push(local);
    position += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...locals, central, end]);
}

/** The zip format of torch.save around a pickle. */
export function pthZip(pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Buffer {
  const members = Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data }));
  return zipOf([{ name: 'archive/data.pkl', data: pickle }, ...members]);
}

/** The older format of torch.save around a pickle, without numbers behind it. */
export function pthLegacy(pickle: Uint8Array): Buffer {
  const magic = pickled(Buffer.from([0x8a, 10]), Buffer.from('6cfc9c46f9206aa85019', 'hex'));
  const version = pickled(Buffer.from([0x4d, 0xe9, 0x03]));
  const machine = pickled('}', text('little_endian'), Buffer.from([0x88]), 's');
  return Buffer.concat([magic, version, machine, pickle, pickled(']')]);
}

/** A pickle of protocol 2: `parts` are opcodes as characters, or bytes. */
export function pickled(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([
    Buffer.from([0x80, 2]),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
    Buffer.from('.'),
  ]);
}

/** BINUNICODE */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from('X'), length, bytes]);
}

/** LONG1 of 8 bytes */
export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x8a;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

/** GLOBAL */
export function named(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

/** A float32 storage of `count` numbers under a key. */
export function storage(key: string, count: number): Buffer {
  const id = [text('storage'), named('torch', 'FloatStorage'), text(key), text('cpu'), integer(count)];
  return Buffer.concat(['(', ...id, 'tQ'].map((part) => Buffer.from(part as string, 'latin1')));
}

/** A float32 tensor in a storage. */
export function tensor(
  key: string,
  count: number,
  view: { shape: readonly number[]; strides: readonly number[]; offset?: number },
): Buffer {
  const { shape, strides, offset = 0 } = view;
  const tuple = (lengths: readonly number[]) =>
    Buffer.concat([bytes('('), ...lengths.map(integer), bytes('t')]);
  return Buffer.concat([
    bytes(`${named('torch._utils', '_rebuild_tensor_v2')}(`),
    storage(key, count),
    integer(offset),
    tuple(shape),
    tuple(strides),
    bytes('\x89'),
    bytes('}tR'),
  ]);
}

function bytes(characters: string): Buffer {
  return Buffer.from(characters, 'latin1');
}
