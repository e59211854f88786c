const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const MASK = DIGITS - 1;
const SIGN = 0x80000000;
/** Below this many values the library sort is faster than filling three histograms. */
const FEWEST = 1024;

/**
 * The values in ascending order, −0 before 0, as doubles; finite values only. Radix sort over three digits of the bits of a
 * float32 (least significant first), about three times as fast as the comparison sort of typed arrays at 20,000 values.
 */
export function sortFloats(values: Float32Array): Float64Array {
  if (values.length < FEWEST) return new Float64Array(values).sort();
  const keys = new Uint32Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const starts = new Uint32Array(3 * DIGITS);
  for (let i = 0; i < keys.length; i++) {
    // Unsigned order of the keys = numeric order: negatives reversed below, positives above.
    const bit = bits[i] as number;
    const key = (bit >= SIGN ? ~bit : bit | SIGN) >>> 0;
    keys[i] = key;
    starts[key & MASK]!++;
    starts[DIGITS + ((key >>> DIGIT_BITS) & MASK)]!++;
    starts[2 * DIGITS + (key >>> (2 * DIGIT_BITS))]!++;
  }
  for (let digit = 0; digit < 3; digit++)
    countsToStarts(starts.subarray(digit * DIGITS, (digit + 1) * DIGITS));
  const other = new Uint32Array(keys.length);
  scatter(keys, other, starts, 0);
  scatter(other, keys, starts, 1);
  scatter(keys, other, starts, 2);
  for (let i = 0; i < other.length; i++) {
    const key = other[i] as number;
    other[i] = key >= SIGN ? key ^ SIGN : ~key;
  }
  return new Float64Array(new Float32Array(other.buffer));
}

/** Turns counts into the sum of the counts before. */
function countsToStarts(counts: Uint32Array): void {
  let start = 0;
  for (let k = 0; k < counts.length; k++) {
    const count = counts[k] as number;
    counts[k] = start;
    start += count;
  }
}

/** Stable pass over one digit; `starts` moves on to where each digit's keys end. */
function scatter(from: Uint32Array, to: Uint32Array, starts: Uint32Array, digit: number): void {
  const shift = digit * DIGIT_BITS;
  const offset = digit * DIGITS;
  for (let i = 0; i < from.length; i++) {
    const key = from[i] as number;
    const slot = offset + ((key >>> shift) & MASK);
    const place = starts[slot] as number;
    to[place] = key;
    starts[slot] = place + 1;
  }
}
