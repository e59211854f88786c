import { rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withClaim } from '../../base/claim.js';
import { ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import { sha256File } from '../../base/hash.js';
import type { Progress } from '../../base/progress.js';
import { loadModel, readCard } from '../registry.js';
import type { CatalogueEntry } from './catalogue-entry.js';
import { download } from './download.js';
import { cardFile, registeredModels } from './folders.js';
import type { Environment } from './http.js';
import { expectModelName } from './names.js';
import { extensionOf, type Registered, registerClaimed } from './register.js';

export interface PullOptions {
  readonly environment: Environment;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Fetch it again and take the place of what is there. */
  readonly replace?: boolean;
  /** As for `download`. */
  readonly pause?: (attempt: number) => number;
}

export interface Pulled extends Registered {
  /** `present`: it was registered before and is whole; `placed`: the user had put its file in place. */
  readonly how: 'present' | 'placed' | 'downloaded';
}

/**
 * Registers a published model: downloads its file, unless the user has put it where it belongs, checks the SHA-256 as far as it is
 * known and that the network can be loaded, and pins the whole digest in the card.
 * Throws IO as `download` does, with where to put the file by hand; MODEL for a file that cannot be used.
 */
export async function pullModel(
  entry: CatalogueEntry,
  folder: string,
  options: PullOptions,
): Promise<Pulled> {
  const { name } = entry.card;
  expectModelName(name);
  const { signal, progress } = options;
  return withClaim(join(folder, name), (held) => pullClaimed(entry, folder, { ...options, signal: held }), {
    signal,
    onWait: ({ host, pid }) =>
      progress.note(`${name}: waiting for process ${pid} on ${host}, which has it in hand`),
  });
}

/** Where the file of an entry lies, or would have to be put. */
export function pulledFile(entry: CatalogueEntry, folder: string): string {
  const published = basename(new URL(entry.url).pathname);
  return join(folder, `${entry.card.name}${extensionOf(published)}`);
}

/** The lines of Python that write a file which can be read to where it belongs. */
export function conversion(entry: CatalogueEntry, folder: string): string | undefined {
  const file = pulledFile(entry, folder).replaceAll('\\', '/');
  return entry.convert?.python.map((line) => line.replace('FILE', file)).join('\n');
}

async function pullClaimed(entry: CatalogueEntry, folder: string, options: PullOptions): Promise<Pulled> {
  const { card } = entry;
  const { replace = false } = options;
  if (!replace && (await registeredModels([folder])).has(card.name)) {
    const path = cardFile(folder, card.name);
    const present = await readCard(path);
    return { how: 'present', card: present, file: path, model: await loadModel(present, { folder }) };
  }
  // What is there stays until the new one has been loaded.
  const file = replace ? replacementFile(entry, folder) : pulledFile(entry, folder);
  const placed = !replace && (await isFile(file));
  if (placed) await expectDigest(entry, file);
  else await fetchTo(file, entry, folder, options);
  const origin = [card.origin, entry.url].filter((part) => part !== undefined).join(', ');
  try {
    const model = { card: { ...card, origin }, weights: { file } };
    const registered = await registerClaimed(model, folder, { replace });
    return { ...registered, how: placed ? 'placed' : 'downloaded' };
  } catch (error) {
    // What nobody has put there on purpose would only be found again.
    if (!placed) await rm(file, { force: true });
    throw error;
  }
}

function replacementFile(entry: CatalogueEntry, folder: string): string {
  const file = pulledFile(entry, folder);
  return join(folder, `${entry.card.name}.new${extensionOf(file)}`);
}

/** Downloads the file of an entry to its place. */
async function fetchTo(
  file: string,
  entry: CatalogueEntry,
  folder: string,
  options: PullOptions,
): Promise<void> {
  const script = conversion(entry, folder);
  if (entry.convert !== undefined) {
    throw new ThawError('MODEL', `${entry.convert.reason}.`, {
      file: entry.url,
      hint: `Where torchxrayvision is installed, run in Python\n\n${script}\n\nand then this command again.`,
    });
  }
  try {
    const { part } = await download(entry.url, file, {
      ...options,
      name: entry.card.name,
      sha256: entry.sha256,
      tokenVariable: entry.tokenVariable,
    });
    await rename(part.path, file);
    await part.forgetOrigin();
  } catch (cause) {
    if (!(cause instanceof ThawError)) throw ioError(cause, file, 'write');
    if (cause.code !== 'IO' || cause.place.file === `${file}.part`) throw cause;
    const byHand = `Without access from here: fetch ${entry.url} elsewhere, put it at ${file} and run the same command again.`;
    throw new ThawError('IO', cause.summary, {
      ...cause.place,
      hint: cause.hint === undefined ? byHand : `${cause.hint} ${byHand}`,
      cause,
    });
  }
}

async function expectDigest({ url, sha256 }: CatalogueEntry, file: string): Promise<void> {
  if (sha256 === undefined) return;
  const received = await sha256File(file).catch((cause: unknown) => {
    throw ioError(cause, file, 'read');
  });
  if (received.startsWith(sha256)) return;
  throw new ThawError('MODEL', `expects a SHA-256 that begins with ${sha256}, received ${received}.`, {
    file,
    hint: `It is not the file of ${url}: put that one in its place, or remove it to have it downloaded.`,
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
