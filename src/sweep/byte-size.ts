/** Bytes of a size such as `20GB`, `500 MB` or `off` (0), in powers of ten; undefined for what is none. */
export function bytesOfSize(text: string | number): number | undefined {
  if (text === 'off' || text === 0) return 0;
  const found = /^(\d+(?:\.\d+)?)\s*(MB|GB|TB)$/i.exec(String(text).trim());
  if (found === null) return undefined;
  const unit = { mb: 1e6, gb: 1e9, tb: 1e12 }[found[2]!.toLowerCase() as 'mb' | 'gb' | 'tb'];
  return Number(found[1]) * unit;
}

export const BYTE_SIZE_FORMS = 'a size such as 20GB or 500MB, or off';
