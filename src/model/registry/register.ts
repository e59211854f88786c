import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { withClaim } from '../../base/claim.js';
import { ThawError } from '../../base/errors.js';
import { ioError, writeFileAtomic } from '../../base/files.js';
import { sha256File } from '../../base/hash.js';
import { suggestionOrList } from '../../base/nearest.js';
import type { ModelCard } from '../card.js';
import { externalFiles, openOnnx } from '../onnx-read.js';
import { type LoadedModel, loadModel, validateCard } from '../registry.js';
import { cardFile, registeredModels } from './folders.js';
import { expectModelName } from './names.js';

/** A card whose file is still to be put in its place. */
export type CardWithoutFile = Omit<ModelCard, 'file' | 'sha256'>;

export type NewWeights =
  /** Copied into the folder with its data files, unless it lies there under the model's name already. */
  | { readonly file: string }
  /** `extension` as file names have it: `.safetensors`, `.onnx`. */
  | { readonly bytes: Uint8Array; readonly extension: string };

export interface NewModel {
  readonly card: CardWithoutFile;
  /** Absent for random weights. */
  readonly weights?: NewWeights;
}

export interface Registered {
  readonly card: ModelCard;
  /** Path of the card. */
  readonly file: string;
  readonly model: LoadedModel;
}

export interface RegisterOptions {
  /** Take the place of a model of the same name. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads a model from end to end and puts it into a models folder: its weights as `<name>.<extension>` (ONNX with data files:
 * `<name>/…`), then its card `<name>.json` with the SHA-256. Another process sees all of it or nothing.
 * Throws CONFIG for an unfit name or one that is taken, IO when a file cannot be read or written, MODEL as `loadModel` does.
 */
export async function registerModel(
  model: NewModel,
  folder: string,
  options: RegisterOptions = {},
): Promise<Registered> {
  expectModelName(model.card.name);
  return withClaim(join(folder, model.card.name), () => registerClaimed(model, folder, options), {
    signal: options.signal,
  });
}

/** As `registerModel`, for one who holds the claim on the model already. */
export async function registerClaimed(
  { card, weights }: NewModel,
  folder: string,
  { replace = false }: RegisterOptions = {},
): Promise<Registered> {
  const { name } = card;
  const file = cardFile(folder, name);
  validateCard(card, { file: weights !== undefined && 'file' in weights ? weights.file : file });
  if (!replace) await expectFree(folder, name);
  const stage = join(folder, `.${name}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const placed = weights === undefined ? undefined : await place(card, weights, folder, stage);
    const model = placed?.model ?? (await loadModel(card, { folder }));
    const complete = placed === undefined ? card : { ...card, file: placed.file, sha256: placed.sha256 };
    if (replace) await rm(file, { force: true });
    for (const [from, to] of placed?.moves ?? []) {
      await rm(to, { recursive: true, force: true });
      await rename(from, to);
    }
    await writeFileAtomic(file, `${JSON.stringify(complete, null, 2)}\n`);
    if (replace) await removeOthers(folder, name, placed?.file);
    return { card: complete, file, model };
  } catch (cause) {
    throw cause instanceof ThawError ? cause : ioError(cause, folder, 'write');
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/**
 * Takes a model out of the folder: its card first, then everything that is called `<name>.*` or `<name>/`. Returns the names of
 * what was removed. Throws CONFIG for a name that has no card there.
 */
export async function removeModel(name: string, folder: string): Promise<string[]> {
  expectModelName(name);
  const registered = await registeredModels([folder]);
  if (!registered.has(name)) {
    throw new ThawError('CONFIG', `there is no model '${name}'.`, {
      file: folder,
      hint: suggestionOrList(name, [...registered.keys()]),
    });
  }
  return withClaim(join(folder, name), async () => {
    try {
      await rm(cardFile(folder, name), { force: true });
      return [basename(cardFile(folder, name)), ...(await removeOthers(folder, name, undefined))];
    } catch (cause) {
      throw ioError(cause, folder, 'write');
    }
  });
}

interface Placed {
  readonly model: LoadedModel;
  /** Relative to the models folder. */
  readonly file: string;
  readonly sha256: string;
  /** What has to be renamed to where, when the card is about to be written. */
  readonly moves: readonly (readonly [from: string, to: string])[];
}

async function place(
  card: CardWithoutFile,
  weights: NewWeights,
  folder: string,
  stage: string,
): Promise<Placed> {
  const { name } = card;
  if ('bytes' in weights) {
    const file = `${name}${weights.extension}`;
    await writeFileAtomic(join(stage, file), weights.bytes);
    const model = await loadModel({ ...card, file }, { folder: stage });
    const sha256 = await sha256File(join(stage, file));
    return { model, file, sha256, moves: [[join(stage, file), join(folder, file)]] };
  }
  const path = resolve(weights.file);
  const model = await loadModel({ ...card, file: basename(path) }, { folder: dirname(path) });
  const sha256 = await sha256File(path);
  const file = `${name}${extensionOf(path)}`;
  if (path === resolve(folder, file)) return { model, file, sha256, moves: [] };
  const data = extname(path).toLowerCase() === '.onnx' ? await externalFiles(await openOnnx(path)) : [];
  if (data.length === 0) {
    await copy(path, join(stage, file), sha256);
    return { model, file, sha256, moves: [[join(stage, file), join(folder, file)]] };
  }
  // A file with data files beside it names them, so they keep their names, in a folder of their own.
  await copy(path, join(stage, basename(path)), sha256);
  for (const location of data) await copy(join(dirname(path), location), join(stage, location));
  return { model, file: `${name}/${basename(path)}`, sha256, moves: [[stage, join(folder, name)]] };
}

/** `.pth.tar`, or the last extension. */
export function extensionOf(path: string): string {
  const lower = path.toLowerCase();
  return lower.endsWith('.pth.tar') ? '.pth.tar' : extname(lower);
}

/** Copies and flushes; throws IO when what came out is not `expected`. */
async function copy(from: string, to: string, expected?: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    const handle = await open(to, 'r+');
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    throw ioError(cause, to, 'write');
  }
  if (expected !== undefined && (await sha256File(to)) !== expected)
    throw new ThawError('IO', 'changed while it was copied.', { file: from, hint: 'Try again.' });
}

async function expectFree(folder: string, name: string): Promise<void> {
  if (!(await registeredModels([folder])).has(name)) return;
  throw new ThawError('CONFIG', `there is a model '${name}' already.`, {
    file: cardFile(folder, name),
    hint: 'Choose another name, or replace it with --force.',
  });
}

/** Removes `<name>.*` and `<name>/` but the card, the claim and `kept` (relative to the folder). */
async function removeOthers(folder: string, name: string, kept: string | undefined): Promise<string[]> {
  const spared = [`${name}.json`, `${name}.claim`, ...(kept === undefined ? [] : [kept.split('/')[0]!])];
  const own = (await readdir(folder)).filter(
    (entry) => (entry === name || entry.startsWith(`${name}.`)) && !spared.includes(entry),
  );
  for (const entry of own) await rm(join(folder, entry), { recursive: true, force: true });
  return own.map((entry) => relative(folder, join(folder, entry)));
}
