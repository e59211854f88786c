import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ioError } from '../base/files.js';

/** Folders that are read at the same time. */
const CONCURRENCY = 32;

/** Names in a folder; undefined when there is no such folder. */
export async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw ioError(cause, folder, 'read');
  }
}

export interface ExistingPaths {
  /** To be asked for the paths that were looked up, and for no others. */
  has(path: string): boolean;
  /** Whether some path was given more than once. */
  readonly repeated: boolean;
}

/** Which of `paths` (relative to `root`, `/`-separated) exist. Each folder is read once, no file is touched. Throws IO. */
export async function existingPaths(root: string, paths: readonly string[]): Promise<ExistingPaths> {
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const group = byFolder.get(folder);
    if (group === undefined) byFolder.set(folder, [path]);
    else group.push(path);
  }
  // Few are missing, or all: either is a smaller set than that of the images.
  const missing = new Set<string>();
  let repeated = false;
  const folders = [...byFolder];
  for (let first = 0; first < folders.length; first += CONCURRENCY) {
    const part = folders.slice(first, first + CONCURRENCY);
    await Promise.all(
      part.map(async ([folder, wanted]) => {
        const names = (await namesIn(join(root, folder))) ?? [];
        const left = new Set(names);
        const start = folder === '' ? 0 : folder.length + 1;
        // Not among what is left: missing, or met before.
        const doubtful = wanted.filter((path) => !left.delete(path.slice(start)));
        if (doubtful.length === 0) return;
        const all = new Set(names);
        for (const path of doubtful) if (!all.has(path.slice(start))) missing.add(path);
        repeated ||= new Set(wanted).size < wanted.length;
      }),
    );
  }
  return { has: (path) => !missing.has(path), repeated };
}

const IMAGE = /^(.+)\.(dcm|dicom|png|jpe?g|tiff?)$/i;

/**
 * Images that lie directly in a folder, by their name without extension, as paths relative to `root`; of several with one name
 * the first in alphabetical order. Undefined when there is no such folder.
 */
export async function imagesByStem(root: string, folder: string): Promise<Map<string, string> | undefined> {
  const names = await namesIn(join(root, folder));
  if (names === undefined) return undefined;
  const pathOf = new Map<string, string>();
  for (const name of names.sort()) {
    const stem = IMAGE.exec(name)?.[1];
    if (stem !== undefined && !pathOf.has(stem)) pathOf.set(stem, posix.join(folder, name));
  }
  return pathOf;
}

export interface FolderContent {
  /** Names, sorted. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Files and folders whose name begins with a dot. */
  readonly hidden: number;
}

/** What lies directly in a folder; links are followed. Throws IO. */
export async function contentOf(folder: string): Promise<FolderContent> {
  const folders: string[] = [];
  const files: string[] = [];
  let hidden = 0;
  try {
    for (const item of await readdir(folder, { withFileTypes: true })) {
      if (item.name.startsWith('.')) hidden++;
      else if (await isFolder(folder, item)) folders.push(item.name);
      else files.push(item.name);
    }
  } catch (cause) {
    throw ioError(cause, folder, 'read');
  }
  return { folders: folders.sort(), files: files.sort(), hidden };
}

async function isFolder(
  folder: string,
  item: { name: string; isDirectory(): boolean; isSymbolicLink(): boolean },
): Promise<boolean> {
  if (!item.isSymbolicLink()) return item.isDirectory();
  const target = await stat(join(folder, item.name)).catch(() => undefined);
  return target?.isDirectory() ?? false;
}

/** Paths of all files below a folder, relative to it, sorted; a link back to a folder that it lies in is not followed. */
export async function filesBelow(folder: string): Promise<{ files: string[]; hidden: number }> {
  const files: string[] = [];
  let hidden = 0;
  const walk = async (relative: string, above: ReadonlySet<string>): Promise<void> => {
    const absolute = join(folder, relative);
    const real = await realpath(absolute);
    if (above.has(real)) return;
    const content = await contentOf(absolute);
    hidden += content.hidden;
    files.push(...content.files.map((name) => posix.join(relative, name)));
    const path = new Set(above).add(real);
    for (const name of content.folders) await walk(posix.join(relative, name), path);
  };
  await walk('', new Set());
  return { files: files.sort(), hidden };
}
