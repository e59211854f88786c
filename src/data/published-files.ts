import { join, resolve } from 'node:path';
import { ThawError } from '../base/errors.js';
import { namesIn } from './image-files.js';

/** A table or list of a published data set, found by its name. */
export interface PublishedFile {
  /** What messages call it. */
  readonly name: string;
  /** Of the whole file name. */
  readonly pattern: RegExp;
  /** Key of the config that names another file, and the file that it names, relative to the root. */
  readonly key?: string;
  readonly given?: string | undefined;
  /** Where it may lie, relative to the root; default: the root itself. The first folder that has it counts. */
  readonly folders?: readonly string[];
}

/** Names in the root of a data set. Throws IO when there is no such folder. */
export async function namesInRoot(root: string): Promise<string[]> {
  const names = await namesIn(root);
  if (names !== undefined) return names;
  throw new ThawError('IO', 'the folder of the data set does not exist.', {
    file: root,
    hint: "Check 'root'.",
  });
}

/**
 * Absolute path of the file, plain before `.gz`; undefined when it is not there and the config names no other.
 * Throws IO when there is no root, DATA when several files of one folder would do.
 */
export async function findPublished(root: string, file: PublishedFile): Promise<string | undefined> {
  if (file.given !== undefined) return resolve(root, file.given);
  await namesInRoot(root);
  for (const folder of file.folders ?? ['']) {
    const names = (await namesIn(join(root, folder))) ?? [];
    const matching = names.filter((name) => file.pattern.test(name)).sort();
    const different = matching.filter(
      (name) => !(name.endsWith('.gz') && matching.includes(name.slice(0, -'.gz'.length))),
    );
    if (different.length > 1) {
      throw new ThawError('DATA', `several files may be ${file.name}: ${different.join(', ')}.`, {
        file: join(root, folder),
        hint: nameIt(file) ?? 'Leave one of them there.',
      });
    }
    if (different.length === 1) return join(root, folder, different[0]!);
  }
  return undefined;
}

/** As `findPublished`, but throws DATA when the file is not there. */
export async function requirePublished(root: string, file: PublishedFile): Promise<string> {
  const found = await findPublished(root, file);
  if (found !== undefined) return found;
  throw new ThawError('DATA', `no ${file.name} in the folder.`, {
    file: root,
    hint: nameIt(file) ?? "Check 'root', or download the file again.",
  });
}

function nameIt({ key }: PublishedFile): string | undefined {
  return key === undefined
    ? undefined
    : `Check 'root', or name the file with '${key}: FILE' (relative to root).`;
}
