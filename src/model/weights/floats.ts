/** Floating-point element types of weight files, little endian. */
export type FloatType = 'F16' | 'BF16' | 'F32' | 'F64';
/** Element types that are no weights (counters, masks): checked, but not read. */
export type IntegerType = 'BOOL' | 'U8' | 'I8' | 'I16' | 'U16' | 'I32' | 'U32' | 'I64' | 'U64';

export const FLOAT_BYTES: Readonly<Record<FloatType, number>> = { F16: 2, BF16: 2, F32: 4, F64: 8 };
export const INTEGER_BYTES: Readonly<Record<IntegerType, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  I32: 4,
  U32: 4,
  I64: 8,
  U64: 8,
};

/** Copies `bytes` (a whole number of elements, any alignment) into float32; halves are exact, doubles are rounded. */
export function decodeFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  const count = bytes.byteLength / FLOAT_BYTES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'F32') {
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }
  const floats = new Float32Array(count);
  switch (type) {
    case 'F64':
      for (let index = 0; index < count; index++) floats[index] = view.getFloat64(index * 8, true);
      break;
    case 'F16':
      for (let index = 0; index < count; index++)
        floats[index] = halfToFloat(view.getUint16(index * 2, true));
      break;
    case 'BF16': {
      const words = new Uint32Array(floats.buffer);
      for (let index = 0; index < count; index++) words[index] = view.getUint16(index * 2, true) << 16;
      break;
    }
  }
  return floats;
}

/** As `decodeFloats`, for bytes that nobody else uses: float32 that is aligned stays where it is. */
export function takeFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  if (type !== 'F32' || bytes.byteOffset % 4 !== 0) return decodeFloats(bytes, type);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
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
