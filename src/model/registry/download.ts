import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../../base/abort.js';
import { ThawError } from '../../base/errors.js';
import { sha256File } from '../../base/hash.js';
import type { Progress, ProgressTask } from '../../base/progress.js';
import { connectionFailure, type Failure, fault, LATER, refused } from './download-failures.js';
import {
  type Answer,
  type Carrier,
  type Environment,
  get,
  openCarrier,
  type Token,
  tokenFor,
} from './http.js';
import { PartFile } from './part-file.js';

export interface DownloadOptions {
  /** SHA-256, or its first digits. */
  readonly sha256?: string | undefined;
  readonly tokenVariable?: string | undefined;
  readonly environment: Environment;
  readonly progress: Progress;
  /** What the progress is called. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait before the n-th try in a row that follows one without success. */
  readonly pause?: (attempt: number) => number;
}

/** A download is given up after so many tries in a row that brought nothing, and after so many in all. */
const IDLE_TRIES = 4;
const MOST_TRIES = 100;
/** A server's `Retry-After` is waited for at most so long. */
const LONGEST_PAUSE = 60_000;

/** 1, 2 and 4 seconds. */
const doubling = (attempt: number) => 1000 * 2 ** (attempt - 1);

/**
 * Downloads an address to `<file>.part`, goes on with what an earlier call has left, and checks the SHA-256 (as far as it is known);
 * the caller moves it into place. Connections that drop are made again. Returns its path and digest.
 * Throws IO, naming the address: nobody answers, the server refuses, the disk is full, the file is another; ABORTED.
 */
export async function download(
  address: string,
  file: string,
  options: DownloadOptions,
): Promise<{ readonly part: PartFile; readonly sha256: string }> {
  const { environment, signal, sha256: expected } = options;
  const url = new URL(address);
  const part = new PartFile(file);
  const carrier = openCarrier(environment);
  const bar = new Bar(options.progress, options.name);
  const token = tokenFor(url, options.tokenVariable, environment);
  let linked: string | undefined;
  try {
    await part.open(url.href);
    linked = await fetchAll(url, part, { ...options, carrier, token, bar });
  } finally {
    bar.finish();
    await part.close();
    await carrier.destroy().catch(() => {});
  }
  throwIfAborted(signal, LATER);
  const sha256 = await sha256File(part.path);
  const wanted = expected ?? linked;
  if (wanted !== undefined && !sha256.startsWith(wanted))
    throw await wrongFile(address, part, wanted, sha256);
  return { part, sha256 };
}

interface Transfer extends DownloadOptions {
  readonly carrier: Carrier;
  readonly token: Token | undefined;
  readonly bar: Bar;
}

/** Asks until all bytes are there. Returns the digest that a redirect told, if one did. */
async function fetchAll(url: URL, part: PartFile, transfer: Transfer): Promise<string | undefined> {
  const { signal, pause = doubling } = transfer;
  let idle = 0;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal, LATER);
    const before = part.bytes;
    let failure: Failure;
    try {
      const answer = await get(url, {
        ...transfer,
        headers: rangeHeaders(part),
      });
      const outcome = await receive(answer, part, url, transfer);
      if (outcome === 'complete') return answer.linkedSha256;
      failure = outcome;
    } catch (cause) {
      throwIfAborted(signal, LATER);
      if (cause instanceof ThawError) throw cause;
      failure = connectionFailure(url, cause);
      if (failure.final && attempt === 1) throw failure.error;
    }
    idle = part.bytes > before ? 0 : idle + 1;
    if (idle >= IDLE_TRIES || attempt >= MOST_TRIES) throw failure.error;
    const milliseconds = Math.min(LONGEST_PAUSE, failure.retryAfter ?? pause(Math.max(1, idle)));
    transfer.progress.note(`${transfer.name}: ${failure.error.summary} Trying again.`);
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

function rangeHeaders(part: PartFile): Record<string, string> {
  const { validator, bytes } = part;
  return validator === undefined ? {} : { range: `bytes=${bytes}-`, 'if-range': validator };
}

/** Writes an answer's bytes to the part. Throws IO for an answer that no other try would change. */
async function receive(
  answer: Answer,
  part: PartFile,
  url: URL,
  { bar, tokenVariable, token }: Transfer,
): Promise<'complete' | Failure> {
  const { headers, body } = answer;
  // Errors of a body that is thrown away are nobody's; those of one that is read reach its reader all the same.
  body.on('error', () => {});
  try {
    const start = await startOf(answer, part, url);
    if (start === 'complete') return 'complete';
    if (start === 'again')
      return { error: fault(url, 'the server has another file now than when the download began.') };
    if (start === 'refused') return refused(url, answer, tokenVariable, token);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw fault(url, `the file comes in the encoding ${encoding}.`);
    const { total } = start;
    if (total !== undefined) await part.expectRoom(total);
    bar.start(total, part.bytes);
    for await (const chunk of body) {
      await part.append(chunk as Uint8Array);
      bar.reach(part.bytes);
    }
    if (total === undefined || part.bytes >= total) return 'complete';
    return { error: fault(url, `the connection ended after ${part.bytes} of ${total} bytes.`) };
  } finally {
    body.destroy();
  }
}

/** Puts the part to where the answer begins; `total` is the length of the whole file, where the server tells it. */
async function startOf(
  { status, headers }: Answer,
  part: PartFile,
  url: URL,
): Promise<{ readonly total: number | undefined } | 'again' | 'complete' | 'refused'> {
  const validator = validatorOf(headers);
  const restart = () => part.restart({ url: url.href, ...(validator === undefined ? {} : { validator }) });
  const range = headers['content-range']?.match(/^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/);
  if (status === 200) {
    await restart();
    const length = headers['content-length'];
    return { total: length === undefined ? undefined : Number(length) };
  }
  if (status === 206) {
    const same = validator === undefined || validator === part.validator;
    if (range?.[1] === String(part.bytes) && same)
      return { total: range[2] === '*' ? undefined : Number(range[2]) };
    await restart();
    return 'again';
  }
  if (status === 416) {
    // All bytes had come when the last call was stopped, or the file has become shorter.
    if (range?.[2] === String(part.bytes)) return 'complete';
    await restart();
    return 'again';
  }
  return 'refused';
}

function validatorOf(headers: Answer['headers']): string | undefined {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith('W/') ? etag : headers['last-modified'];
}

/** Forgets what came and says what it was. */
async function wrongFile(
  address: string,
  part: PartFile,
  wanted: string,
  received: string,
): Promise<ThawError> {
  const { bytes } = part;
  const start = bytes < 2 ** 20 ? (await readFile(part.path, 'latin1')).trimStart().slice(0, 1) : '';
  await part.remove();
  const form = wanted.length === 64 ? `the SHA-256 ${wanted}` : `a SHA-256 that begins with ${wanted}`;
  return new ThawError('IO', `expects ${form}, received ${received} (${bytes} bytes).`, {
    file: address,
    hint:
      start === '<'
        ? 'A web page came instead of the file: the login of a network or a proxy, perhaps.'
        : 'The file was damaged on the way or is another one now; nothing was kept.',
  });
}

/** Progress in whole megabytes, from when the length is known. */
class Bar {
  private task: ProgressTask | undefined;
  private shown = 0;

  constructor(
    private readonly progress: Progress,
    private readonly name: string,
  ) {}

  start(total: number | undefined, done: number): void {
    if (total === undefined || this.task !== undefined) return;
    this.shown = Math.floor(done / 1e6);
    this.task = this.progress.start(this.name, Math.ceil(total / 1e6), 'MB', this.shown);
  }

  reach(bytes: number): void {
    const whole = Math.floor(bytes / 1e6);
    if (whole > this.shown) this.task?.advance(whole - this.shown);
    this.shown = Math.max(this.shown, whole);
  }

  finish(): void {
    this.task?.finish();
  }
}
