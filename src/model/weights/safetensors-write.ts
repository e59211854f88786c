import type { Parameter } from '../graph.js';

/** Bytes that the header's length is a multiple of, so that tensors can be mapped where they lie. */
const ALIGNMENT = 8;

/**
 * Tensors as the bytes of a safetensors file (float32, in their order), with `metadata` under `__metadata__`. Layout: uint64
 * header length, JSON header padded with spaces, data.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Parameter>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Math.ceil(text.byteLength / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(8 + length + end, ' ');
  bytes.writeBigUInt64LE(BigInt(length));
  text.copy(bytes, 8);
  let at = 8 + length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
