import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * Canonical JSON in the manner of RFC 8785 (keys sorted, no white space, numbers as JavaScript writes them), the form in
 * which specs are hashed. Throws a TypeError on values that JSON cannot hold (NaN, infinity, functions).
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  const holds =
    value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
  if (!holds) throw new TypeError(`cannot express ${String(value)} (${typeof value}) as JSON`);
  return JSON.stringify(value);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Content address: the first 32 hex digits (128 bits) of the SHA-256 of the canonical JSON of `value`. */
export function contentId(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, 32);
}

/** SHA-256 of a file's bytes, streamed. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
