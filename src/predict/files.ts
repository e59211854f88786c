import { open, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { DICOM_START_BYTES, isDicom } from '../data/dicom-file.js';
import { filesBelow } from '../data/image-files.js';

const IMAGE = /\.(png|jpe?g|tiff?|webp|gif|dcm|dicom|ima)$/i;
/** Files that `listImages` finds besides, where they are asked for. */
export const NIFTI = /\.nii(\.gz)?$/i;
/** Scanners write DICOM files without extension, or with parts of a UID as one. */
const MAYBE_DICOM = /(^|[/\\])[^./\\]+$|\.\d+$/;
const WILDCARD = /[*?]/;

/**
 * The image files that paths name, each once, in the order of the paths: a file itself, whatever it is called; of a folder all
 * images below it (by extension, files without one by content); of a pattern with `*`, `?` or `**` the images that match.
 * Files whose name matches `also` are images too. Throws CONFIG for a folder or pattern without images, IO. A file that does not
 * exist is left for who decodes it to tell.
 */
export async function listImages(paths: readonly string[], also?: RegExp): Promise<string[]> {
  const files = new Set<string>();
  for (const path of paths) for (const file of await expand(path, also)) files.add(file);
  return [...files];
}

async function expand(path: string, also: RegExp | undefined): Promise<string[]> {
  const kind = await stat(path).then(
    (found) => (found.isDirectory() ? 'folder' : 'file'),
    (cause) => {
      if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return 'missing';
      throw ioError(cause, path, 'read');
    },
  );
  if (kind === 'folder') return imagesBelow(path, () => true, path, also);
  if (kind === 'file' || !WILDCARD.test(path)) return [path];
  const { folder, matches } = patternOf(path);
  return imagesBelow(folder, matches, path, also);
}

async function imagesBelow(
  folder: string,
  matches: (relativePath: string) => boolean,
  argument: string,
  also: RegExp | undefined,
): Promise<string[]> {
  const found: string[] = [];
  const { files } = await filesBelow(folder).catch((cause: unknown) => {
    throw ioError(cause, folder, 'read');
  });
  for (const file of files) {
    const path = join(folder, file);
    if (matches(file) && (also?.test(path) || (await isImage(path)))) found.push(path);
  }
  if (found.length > 0) return found;
  throw new ThawError('CONFIG', 'no image was found.', {
    file: argument,
    hint: `Looked for PNG, JPEG, TIFF, WebP, GIF${also === NIFTI ? ', NIfTI' : ''} and DICOM files; patterns know *, ? and **.`,
  });
}

async function isImage(path: string): Promise<boolean> {
  if (IMAGE.test(path)) return true;
  if (!MAYBE_DICOM.test(path)) return false;
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  try {
    const start = Buffer.alloc(DICOM_START_BYTES);
    const { bytesRead } = await handle.read(start, 0, DICOM_START_BYTES, 0);
    return isDicom(start.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** The folder before the first wildcard, and whether a path below it matches the rest. */
function patternOf(path: string): { folder: string; matches: (relativePath: string) => boolean } {
  const parts = path.split(/[/\\]/);
  const first = parts.findIndex((part) => WILDCARD.test(part));
  const folder = parts.slice(0, first).join(sep) || (isAbsolute(path) ? sep : '.');
  const wildcards: Readonly<Record<string, string>> = {
    '**/': '(?:.*/)?',
    '**': '.*',
    '*': '[^/]*',
    '?': '[^/]',
  };
  const source = parts
    .slice(first)
    .join('/')
    .replace(/\*\*\/|\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (found) => wildcards[found] ?? `\\${found}`);
  const pattern = new RegExp(`^${source}$`);
  return { folder, matches: (file) => pattern.test(file.split(sep).join('/')) };
}

/** Names for files that differ even where those of their folders are taken away: `a`, and `a-2` for another `a`. */
export class DistinctNames {
  private readonly taken = new Set<string>();

  of(name: string): string {
    let free = name;
    for (let count = 2; this.taken.has(free); count++) free = `${name}-${count}`;
    this.taken.add(free);
    return free;
  }
}

/** A path as the user gave it, shorter where it lies below where the user stands. */
export function shownPath(path: string, from: string): string {
  const below = relative(from, path);
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : below;
}
