import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { messageOf, ThawError } from '../base/errors.js';

/** What the dynamic loader reads of a shared library. */
export interface SharedLibrary {
  /** `x64`, `arm64`, or the number of the ELF header. */
  readonly machine: string;
  /** DT_NEEDED: names of the libraries that it is linked to, in order. */
  readonly needed: readonly string[];
  /** DT_RPATH and DT_RUNPATH: folders that are searched for them; `$ORIGIN` is the library's own folder. */
  readonly runPath: readonly string[];
  /** Versions of the symbols that it exports, such as `VERS_1.30.0` of libonnxruntime. */
  readonly exportedVersions: readonly string[];
}

const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT = { needed: 1, stringTable: 5, stringTableBytes: 10, rpath: 15, runPath: 29 } as const;
const MOST_SEGMENTS = 512;
const MOST_DYNAMIC_BYTES = 2 ** 20;
const MOST_STRING_BYTES = 2 ** 26;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/**
 * Reads the dynamic section of a 64-bit little-endian ELF library (System V ABI, chapters 4 and 5); a few kilobytes are read,
 * whatever the file's size. Throws RUNTIME for a file that is no such library or that ends before its last section.
 */
export function readSharedLibrary(file: string): SharedLibrary {
  try {
    const handle = openSync(file, 'r');
    try {
      return parse(statSync(file).size, (position, length) => {
        const bytes = Buffer.alloc(length);
        const read = readSync(handle, bytes, 0, length, position);
        if (read < length) throw new Error('it ends too early');
        return bytes;
      });
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw new ThawError('RUNTIME', `not a whole shared library: ${messageOf(cause)}.`, { file, cause });
  }
}

type Read = (position: number, length: number) => Buffer;

function parse(size: number, read: Read): SharedLibrary {
  const header = read(0, 64);
  if (header.toString('latin1', 0, 4) !== '\x7fELF') throw new Error('it does not begin as an ELF file');
  if (header[4] !== 2 || header[5] !== 1) throw new Error('it is not of 64 bits in little-endian order');
  const machine = header.readUInt16LE(18);
  // The section headers are the last thing that a linker writes: a file that was cut short lacks them.
  const sectionsEnd = number64(header, 40) + header.readUInt16LE(58) * header.readUInt16LE(60);
  if (sectionsEnd > size) throw new Error(`it ends at byte ${size} and should reach to ${sectionsEnd}`);
  const segments = readSegments(header, read);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined || dynamic.bytes > MOST_DYNAMIC_BYTES)
    throw new Error('it has no dynamic section');
  const entries = readDynamic(read(dynamic.offset, dynamic.bytes));
  const value = (tag: number) => entries.find((entry) => entry.tag === tag)?.value;
  const stringBytes = value(DT.stringTableBytes) ?? 0;
  if (stringBytes > MOST_STRING_BYTES) throw new Error(`its table of names claims ${stringBytes} bytes`);
  const strings = read(fileOffset(value(DT.stringTable) ?? 0, segments), stringBytes);
  const texts = (tag: number) => entries.filter((e) => e.tag === tag).map((e) => textAt(strings, e.value));
  return {
    machine: MACHINES[machine] ?? String(machine),
    needed: texts(DT.needed),
    runPath: [...texts(DT.rpath), ...texts(DT.runPath)].flatMap((path) => path.split(':')).filter(Boolean),
    exportedVersions: [...new Set(strings.toString('latin1').match(/VERS_[\d.]+/g) ?? [])],
  };
}

function readSegments(header: Buffer, read: Read): Segment[] {
  const [width, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  if (width < 56 || count > MOST_SEGMENTS) throw new Error('its program headers are damaged');
  const table = read(number64(header, 32), width * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * width;
    return {
      type: table.readUInt32LE(at),
      offset: number64(table, at + 8),
      address: number64(table, at + 16),
      bytes: number64(table, at + 32),
    };
  });
}

function readDynamic(section: Buffer): { tag: number; value: number }[] {
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = Number(section.readBigUInt64LE(at));
    if (tag === 0) break;
    entries.push({ tag, value: number64(section, at + 8) });
  }
  return entries;
}

/** Where an address of the loaded library lies in the file. */
function fileOffset(address: number, segments: readonly Segment[]): number {
  const segment = segments.find(
    (s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.bytes,
  );
  if (segment === undefined) throw new Error('its table of names lies outside of the file');
  return segment.offset + (address - segment.address);
}

function textAt(strings: Buffer, offset: number): string {
  const end = strings.indexOf(0, offset);
  if (offset >= strings.length || end < 0) throw new Error('a name lies outside of its table');
  return strings.toString('utf8', offset, end);
}

function number64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
