import { ThawError } from '../base/errors.js';
import { type Device, EXTRACTORS, type Extractor } from '../features/session.js';
import { BYTE_SIZE_FORMS, bytesOfSize } from '../sweep/byte-size.js';

/** `--workers`: worker processes, 1 by default. Throws CONFIG. */
export function workersOf(value: number | undefined): number {
  if (value === undefined) return 1;
  if (Number.isInteger(value) && value >= 1) return value;
  throw new ThawError('CONFIG', `expected a whole number of at least 1, received ${value}.`, {
    node: '--workers',
  });
}

/** `--device`. Throws CONFIG. */
export function deviceOf(device: string): Device {
  if (/^(auto|cpu|cuda(:\d+)?)$/.test(device)) return device as Device;
  throw new ThawError('CONFIG', `expected auto, cpu, cuda or cuda:<number>, received '${device}'.`, {
    node: '--device',
  });
}

/** `--cache-limit` in bytes; undefined where it is not given. Throws CONFIG. */
export function cacheLimitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = bytesOfSize(text);
  if (bytes !== undefined) return bytes;
  throw new ThawError('CONFIG', `expected ${BYTE_SIZE_FORMS}, received '${text}'.`, {
    node: '--cache-limit',
  });
}

/** `--extractor`. Throws CONFIG. */
export function extractorOf(extractor: string): Extractor {
  const known = EXTRACTORS.find((name) => name === extractor);
  if (known !== undefined) return known;
  throw new ThawError('CONFIG', `expected ${EXTRACTORS.join(', ')}, received '${extractor}'.`, {
    node: '--extractor',
  });
}
