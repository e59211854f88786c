import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { mkdir, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from './abort.js';
import { ThawError } from './errors.js';
import { ioError } from './files.js';

/** Who holds a claim: the content of the claim file. */
export interface ClaimOwner {
  /** Host name and process-id namespace: two containers of one machine are two hosts. */
  readonly host: string;
  readonly pid: number;
  /** Start time of the process in clock ticks since boot ('' where the system does not tell): guards against reused ids. */
  readonly started: string;
  /** Unique for every claim. */
  readonly token: string;
}

export interface ClaimTimes {
  /** Milliseconds between two signs of life of an owner. */
  readonly heartbeatMilliseconds?: number;
  /** An owner on another host is taken for dead when it has given no sign of life for so long. */
  readonly staleMilliseconds?: number;
}

export interface ClaimOptions extends ClaimTimes {
  readonly signal?: AbortSignal | undefined;
  /** Called once for every other owner that is waited for. */
  readonly onWait?: (owner: ClaimOwner) => void;
  /** Milliseconds between two looks at another owner's claim. */
  readonly pollMilliseconds?: number;
}

const POLL = 500;
const HEARTBEAT = 5_000;
/** Longer than NFS may serve an old modification time (60 s) and than any event loop is blocked by one inference. */
const STALE = 180_000;
/** A claim that names nobody for so long was being written by a process that was killed at it. */
const TORN = 5_000;
/** A claim may go, come or be removed under our eyes: look again so often, then leave it to the next time. */
const LOOKS = 4;

/** A claim that this process holds. */
export interface Claim {
  /** Aborted when another process has taken the claim over because this one stood still for too long. */
  readonly lost: AbortSignal;
  /** Whether it is still there, looked up now: `lost` may tell it only some seconds later. */
  isHeld(): boolean;
  /** Leaves the claim to others; one that was lost is left alone. */
  release(): void;
}

// Claim files are read and written without yielding: they are small, the system's thread pool may have a long queue of
// images to decode, and what a kill can fall between should be short.

/**
 * Seeks one claim (`<folder>.claim`) look by look, for those who can do something else meanwhile. Remembers between looks for
 * how long an owner on another host has been silent.
 */
export class ClaimSeeker {
  private readonly path: string;
  private watched: { token: string | undefined; modified: number; since: number } | undefined;
  private owner: ClaimOwner | undefined;
  private removal: ClaimSeeker | undefined;

  constructor(
    folder: string,
    private readonly times: ClaimTimes = {},
  ) {
    this.path = `${folder}.claim`;
  }

  /** Who held the claim at the last look; undefined before, or when the claim was just being written. */
  get holder(): ClaimOwner | undefined {
    return this.owner;
  }

  /** Whether the holder is a process of this host, which sees the same files as this one at the same time. */
  get isHeldHere(): boolean {
    return this.owner?.host === thisHost();
  }

  /**
   * The claim, where it is free or its owner is dead; undefined while another owner lives. Throws IO where the claim cannot be
   * written, with the cause ENOENT where its folder does not exist.
   */
  seek(): Claim | undefined {
    const own: ClaimOwner = {
      host: thisHost(),
      pid: process.pid,
      started: processStart(process.pid),
      token: randomUUID(),
    };
    for (let look = 0; look < LOOKS; look++) {
      if (create(this.path, own)) return hold(this.path, own, this.times);
      const holder = readOwner(this.path);
      const modified = modifiedTime(this.path);
      if (modified === undefined) continue;
      this.owner = holder;
      if (this.watched?.token !== holder?.token) this.removal = undefined;
      if (this.watched?.token !== holder?.token || this.watched?.modified !== modified)
        this.watched = { token: holder?.token, modified, since: performance.now() };
      const silent = performance.now() - this.watched.since;
      const stale = this.times.staleMilliseconds ?? STALE;
      if (!isDead(holder, silent, holder === undefined ? Math.min(TORN, stale) : stale)) return undefined;
      if (!this.remove(holder, modified)) return undefined;
    }
    return undefined;
  }

  /**
   * Removes a dead owner's claim; false while another process is about to do so. Who removes it holds a claim on doing that
   * (named after the dead one), so that nobody removes the younger claim that has come in its place.
   */
  private remove(dead: ClaimOwner | undefined, modified: number): boolean {
    this.removal ??= new ClaimSeeker(`${this.path}.${dead?.token ?? 'torn'}`, this.times);
    const removal = this.removal.seek();
    if (removal === undefined) return false;
    try {
      const unchanged = readOwner(this.path)?.token === dead?.token && modifiedTime(this.path) === modified;
      if (unchanged) rmSync(this.path, { force: true });
      return true;
    } finally {
      removal.release();
    }
  }
}

/**
 * Runs `work` while this process alone holds `<folder>.claim`, so that of several processes (of one or many machines
 * with a shared file system) one makes what lies in `folder`. The others wait; a claim whose process has died is taken
 * over: at once on this host, after `staleMilliseconds` without a sign of life on another. `work` should first look
 * whether a former owner has finished. Its signal is aborted by `options.signal`, or when another process has taken the
 * claim over because this one stood still for too long.
 * Throws ABORTED when aborted while waiting, IO where the claim cannot be written.
 */
export async function withClaim<T>(
  folder: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: ClaimOptions = {},
): Promise<T> {
  const claim = await acquire(folder, options);
  try {
    return await work(
      options.signal === undefined ? claim.lost : AbortSignal.any([options.signal, claim.lost]),
    );
  } finally {
    claim.release();
  }
}

async function acquire(folder: string, options: ClaimOptions): Promise<Claim> {
  await mkdir(dirname(folder), { recursive: true }).catch((cause) => {
    throw ioError(cause, `${folder}.claim`, 'write');
  });
  const seeker = new ClaimSeeker(folder, options);
  let told: string | undefined;
  for (;;) {
    throwIfAborted(options.signal, 'Another process held the claim.');
    const claim = seeker.seek();
    if (claim !== undefined) return claim;
    const { holder } = seeker;
    if (holder !== undefined && holder.token !== told) options.onWait?.(holder);
    told = holder?.token;
    await sleep(options.pollMilliseconds ?? POLL, undefined, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }).catch(() => {});
  }
}

/** Gives signs of life for a claim that was just made, until it is released. */
function hold(path: string, owner: ClaimOwner, times: ClaimTimes): Claim {
  const lost = new AbortController();
  const isHeld = () => readOwner(path)?.token === owner.token;
  const beat = setInterval(() => void keepAlive(path, owner, lost), times.heartbeatMilliseconds ?? HEARTBEAT);
  return {
    lost: lost.signal,
    isHeld,
    release: () => {
      clearInterval(beat);
      if (isHeld()) rmSync(path, { force: true });
    },
  };
}

/** False when the claim exists already, or was taken for torn because writing it took so long. */
function create(path: string, owner: ClaimOwner): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, 'wx');
    writeSync(file, JSON.stringify(owner));
    return readOwner(path)?.token === owner.token;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    if (file !== undefined) rmSync(path, { force: true });
    throw ioError(cause, path, 'write');
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Undefined when there is no claim, or one that is being written. */
function readOwner(path: string): ClaimOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ClaimOwner;
  } catch {
    return undefined;
  }
}

function modifiedTime(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** On this host the process is asked; elsewhere only its silence (watched with our own clock) tells. */
function isDead(
  holder: ClaimOwner | undefined,
  silentMilliseconds: number,
  staleMilliseconds: number,
): boolean {
  if (holder?.host === thisHost()) return !isRunning(holder);
  return silentMilliseconds >= staleMilliseconds;
}

function isRunning(owner: ClaimOwner): boolean {
  if (owner.started !== '' && existsSync('/proc/self/stat')) return processStart(owner.pid) === owner.started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function keepAlive(path: string, owner: ClaimOwner, lost: AbortController): Promise<void> {
  const holder = readOwner(path);
  if (holder?.token === owner.token) {
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
  } else if (holder !== undefined || isAbsent(path)) {
    lost.abort(
      new ThawError('STORE', `the claim was taken over by ${nameOwner(holder)}.`, {
        file: path,
        hint: 'This process stood still for too long; run it again, it goes on where the other one stops.',
      }),
    );
  }
}

/** False also where the file system does not answer. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** `process 12 on host`, for messages. */
export function nameOwner(owner: ClaimOwner | undefined): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host.split(' ')[0]}`;
}

function thisHost(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Field 22 of /proc/<pid>/stat; '' when there is no such process (a zombie is none) or no /proc. */
function processStart(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '');
  } catch {
    return '';
  }
}
