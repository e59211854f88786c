import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
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

export interface ClaimOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once for every other owner that is waited for. */
  readonly onWait?: (owner: ClaimOwner) => void;
  /** Milliseconds between two looks at another owner's claim. */
  readonly pollMilliseconds?: number;
  /** Milliseconds between two signs of life of an owner. */
  readonly heartbeatMilliseconds?: number;
  /** An owner on another host is taken for dead when it has given no sign of life for so long. */
  readonly staleMilliseconds?: number;
}

const POLL = 500;
const HEARTBEAT = 5_000;
/** Longer than NFS may serve an old modification time (60 s) and than any event loop is blocked by one inference. */
const STALE = 180_000;

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
  const path = `${folder}.claim`;
  const owner: ClaimOwner = {
    host: thisHost(),
    pid: process.pid,
    started: processStart(process.pid),
    token: randomUUID(),
  };
  await acquire(path, owner, options);
  const lost = new AbortController();
  const beat = setInterval(
    () => void keepAlive(path, owner, lost),
    options.heartbeatMilliseconds ?? HEARTBEAT,
  );
  try {
    const signals = options.signal === undefined ? [lost.signal] : [options.signal, lost.signal];
    return await work(AbortSignal.any(signals));
  } finally {
    clearInterval(beat);
    if ((await readOwner(path))?.token === owner.token) await rm(path, { force: true });
  }
}

async function acquire(path: string, owner: ClaimOwner, options: ClaimOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((cause) => {
    throw ioError(cause, path, 'write');
  });
  let watched: { token: string | undefined; modified: number; since: number } | undefined;
  for (;;) {
    throwIfAborted(options.signal, 'Another process held the claim.');
    if (await create(path, owner)) return;
    const holder = await readOwner(path);
    const modified = await modifiedTime(path);
    if (modified === undefined) continue;
    if (watched?.token !== holder?.token) watched = undefined;
    if (watched === undefined && holder !== undefined) options.onWait?.(holder);
    if (watched?.modified !== modified)
      watched = { token: holder?.token, modified, since: performance.now() };
    const silent = performance.now() - watched.since;
    if (isDead(holder, silent, options.staleMilliseconds ?? STALE)) {
      await takeAway(path, holder, owner);
      continue;
    }
    await sleep(options.pollMilliseconds ?? POLL, undefined, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }).catch(() => {});
  }
}

/** False when the claim exists already. */
async function create(path: string, owner: ClaimOwner): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(JSON.stringify(owner));
    } catch (cause) {
      await rm(path, { force: true });
      throw cause;
    } finally {
      await handle.close();
    }
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw ioError(cause, path, 'write');
  }
}

/** Undefined when there is no claim, or one that is being written. */
async function readOwner(path: string): Promise<ClaimOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ClaimOwner;
  } catch {
    return undefined;
  }
}

async function modifiedTime(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
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

/**
 * Removes a dead owner's claim. Renaming is atomic, so of several waiters one gets the file; whoever then finds a
 * younger claim under the name (made between the look and the renaming) puts it back.
 */
async function takeAway(path: string, dead: ClaimOwner | undefined, taker: ClaimOwner): Promise<void> {
  if ((await readOwner(path))?.token !== dead?.token) return;
  const aside = `${path}.${taker.token}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readOwner(aside))?.token === dead?.token) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function keepAlive(path: string, owner: ClaimOwner, lost: AbortController): Promise<void> {
  const holder = await readOwner(path);
  if (holder?.token === owner.token) {
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
  } else if (holder !== undefined) {
    lost.abort(
      new ThawError('STORE', `the claim was taken over by process ${holder.pid} on ${holder.host}.`, {
        file: path,
        hint: 'This process stood still for too long; run it again, it goes on where the other one stops.',
      }),
    );
  }
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
