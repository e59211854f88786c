import { ThawError } from '../../base/errors.js';

/** The bytes ended before the pickle did: more of the file is needed, or it is cut short. */
export class PickleCutShort extends Error {}

/** Longest module or class name that is read. */
const LONGEST_LINE = 256;
/** Longest integer in bytes. */
const LONGEST_INTEGER = 64;

/** The arguments of a pickle's opcodes, little endian where not said otherwise. */
export class PickleReader {
  private readonly view: DataView;

  constructor(
    private readonly content: Uint8Array,
    public position: number,
  ) {
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  }

  byte(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  /** Big endian. */
  double(): number {
    return this.view.getFloat64(this.advance(8));
  }

  /** A two's complement integer of `length` bytes; a number where that is exact. */
  long(length: number): number | bigint {
    if (length < 0 || length > LONGEST_INTEGER) throw tooLong(`an integer of ${length} bytes`);
    let value = 0n;
    const digits = this.bytes(length);
    for (let index = length - 1; index >= 0; index--) value = (value << 8n) | BigInt(digits[index] ?? 0);
    if ((digits.at(-1) ?? 0) >= 0x80) value -= 1n << BigInt(8 * length);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  bytes(length: number): Uint8Array {
    const begin = this.advance(length);
    return this.content.subarray(begin, begin + length);
  }

  text(length: number, encoding: 'utf8' | 'latin1'): string {
    const { buffer, byteOffset, byteLength } = this.bytes(length);
    return Buffer.from(buffer, byteOffset, byteLength).toString(encoding);
  }

  /** Text up to the next line feed, which is taken too. */
  line(): string {
    const window = this.content.subarray(this.position, this.position + LONGEST_LINE);
    const length = window.indexOf(0x0a);
    if (length < 0 && window.length === LONGEST_LINE) throw tooLong('a name');
    if (length < 0) throw new PickleCutShort();
    const text = this.text(length, 'utf8');
    this.advance(1);
    return text;
  }

  /** Takes `length` bytes; returns where they begin. */
  private advance(length: number): number {
    const begin = this.position;
    if (!(length >= 0)) throw tooLong(`a value of ${length} bytes`);
    if (begin + length > this.content.byteLength) throw new PickleCutShort();
    this.position = begin + length;
    return begin;
  }
}

function tooLong(what: string): ThawError {
  return new ThawError('MODEL', `the pickle holds ${what}, which no weights have.`, {
    hint: 'The file is damaged: fetch it again.',
  });
}
