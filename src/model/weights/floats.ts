/** Floating-point element types of weight files, little endian. */
export type FloatType = 'F16' | 'BF16' | 'F32' | 'F64';

export const FLOAT_BYTES: Readonly<Record<FloatType, number>> = { F16: 2, BF16: 2, F32: 4, F64: 8 };

/** Copies `bytes` (a whole number of elements, any alignment) into float32; halves are exact, doubles are rounded. */
export function decodeFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  const count = bytes.byteLength / FLOAT_BYTES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'F32':
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    case 'F64':
      return Float32Array.from({ length: count }, (_, index) => view.getFloat64(index * 8, true));
    case 'F16':
      return Float32Array.from({ length: count }, (_, index) => halfToFloat(view.getUint16(index * 2, true)));
    case 'BF16':
      return bfloat16ToFloat(
        Uint16Array.from({ length: count }, (_, index) => view.getUint16(index * 2, true)),
      );
  }
}

/** IEEE 754 binary16 bits → number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 bits (the upper half of a float32) → float32. */
export function bfloat16ToFloat(bits: Uint16Array): Float32Array {
  const words = Uint32Array.from(bits, (word) => word << 16);
  return new Float32Array(words.buffer);
}
