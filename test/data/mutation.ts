import { RandomStream, STREAM } from '../../src/base/random.js';

/** Seeded damage to the bytes of a file: the same (seed, number) gives the same bytes. */
export class Mutator {
  constructor(
    private readonly seed: number,
    /** Byte strings that are worth inserting, such as delimiters or huge numbers. */
    private readonly tokens: readonly Buffer[],
    /** Places worth hitting (offsets of headers); others are hit too. */
    private readonly places: readonly number[] = [],
  ) {}

  /** One to three changes: bytes flipped, parts cut out, doubled or truncated, tokens put in or over. */
  mutate(original: Buffer, number: number): Buffer {
    const random = new RandomStream(this.seed, STREAM.phantom, number);
    let bytes = Buffer.from(original);
    for (let changes = 1 + random.integer(3); changes > 0; changes--) bytes = this.change(bytes, random);
    return bytes;
  }

  private change(bytes: Buffer, random: RandomStream): Buffer<ArrayBuffer> {
    const at = this.place(bytes, random);
    const length = Math.min(1 + random.integer(24), bytes.byteLength - at);
    switch (random.integer(7)) {
      case 0:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
      case 1:
        return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
      case 2:
        return random.integer(4) === 0 ? Buffer.from(bytes.subarray(0, at)) : this.flip(bytes, at, random);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), this.token(random), bytes.subarray(at)]);
      case 4: {
        const over = this.token(random);
        return Buffer.concat([bytes.subarray(0, at), over, bytes.subarray(at + over.byteLength)]);
      }
      default:
        return this.flip(bytes, at, random);
    }
  }

  private place(bytes: Buffer, random: RandomStream): number {
    const known = this.places[random.integer(Math.max(1, 2 * this.places.length))];
    return Math.min(
      known === undefined ? random.integer(bytes.byteLength + 1) : known + random.integer(30),
      bytes.byteLength,
    );
  }

  private flip(bytes: Buffer, at: number, random: RandomStream): Buffer<ArrayBuffer> {
    const copy = Buffer.from(bytes);
    if (at < copy.byteLength)
      copy[at] = random.integer(2) === 0 ? random.integer(256) : copy[at]! ^ (1 << random.integer(8));
    return copy;
  }

  private token(random: RandomStream): Buffer {
    return this.tokens[random.integer(this.tokens.length)]!;
  }
}

/** Runs `input` for 0 to `count` − 1, 16 at a time, each in a lane whose number it gets: most of the work is waiting for files. */
export async function forEachInput(
  count: number,
  input: (number: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (lane: number) => {
    while (next < count) await input(next++, lane);
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)));
}

export const LANES = 16;
