import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import canonicalize from 'canonicalize';

/**
 * Canonical JSON (RFC 8785: keys sorted, shortest numbers), the form in which specs are hashed.
 * Throws a TypeError on values that JSON cannot hold (NaN, infinity, functions).
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError(`cannot express ${typeof value} as JSON`);
  return text;
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
