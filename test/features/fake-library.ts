import { writeFileSync } from 'node:fs';

/** What a made-up shared library says of itself. */
export interface FakeLibrary {
  readonly needed?: readonly string[];
  readonly runPath?: string;
  /** Names in its table of strings that nothing refers to. */
  readonly names?: readonly string[];
  /** Number of the ELF header: 62 is x86-64, 183 is AArch64. */
  readonly machine?: number;
}

const HEADER = 64;
const SEGMENT = 56;
/** The fake is loaded where it lies in the file, this much higher. */
const ADDRESS = 0x1000;

/** The bytes of an ELF file that has a dynamic section and nothing to run. */
export function fakeLibrary({ needed = [], runPath, names = [], machine = 62 }: FakeLibrary = {}): Buffer {
  const strings = ['', ...needed, ...names, ...(runPath === undefined ? [] : [runPath])];
  const table = Buffer.from(`${strings.join('\0')}\0`);
  const offsetOf = (text: string) => table.indexOf(`\0${text}\0`) + 1;
  const start = HEADER + 2 * SEGMENT;
  const entries: [number, number][] = [
    ...needed.map((name): [number, number] => [1, offsetOf(name)]),
    ...(runPath === undefined ? [] : [[29, offsetOf(runPath)] as [number, number]]),
    [5, start + ADDRESS],
    [10, table.length],
    [0, 0],
  ];
  const dynamic = Buffer.alloc(entries.length * 16);
  entries.forEach(([tag, value], index) => {
    dynamic.writeBigUInt64LE(BigInt(tag), index * 16);
    dynamic.writeBigUInt64LE(BigInt(value), index * 16 + 8);
  });
  const sections = start + table.length + dynamic.length;
  const bytes = Buffer.concat([Buffer.alloc(start), table, dynamic, Buffer.alloc(64)]);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(BigInt(HEADER), 32);
  bytes.writeBigUInt64LE(BigInt(sections), 40);
  bytes.writeUInt16LE(SEGMENT, 54);
  bytes.writeUInt16LE(2, 56);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(1, 60);
  const segment = (index: number, type: number, offset: number, length: number) => {
    const at = HEADER + index * SEGMENT;
    bytes.writeUInt32LE(type, at);
    bytes.writeBigUInt64LE(BigInt(offset), at + 8);
    bytes.writeBigUInt64LE(BigInt(offset + ADDRESS), at + 16);
    bytes.writeBigUInt64LE(BigInt(length), at + 32);
  };
  segment(0, 1, 0, bytes.length);
  segment(1, 2, start + table.length, dynamic.length);
  return bytes;
}

export function writeLibrary(path: string, library: FakeLibrary = {}): void {
  writeFileSync(path, fakeLibrary(library));
}
