import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { groupBy } from '../base/group-by.js';
import { suggestion } from '../base/nearest.js';
import { filesBelow } from '../data/image-files.js';

/** The file of an image's mask, or why there is none. */
export type MaskFinder = (image: string) => string | { readonly missing: string };

const PLACEHOLDERS = ['dir', 'name', 'stem'] as const;
const READ = /\.(nii|nii\.gz|png|tiff?|webp|gif|dcm|dicom)$/i;

/** A file's name without what says its format: `a` of `a.nii.gz`. */
export function stemOf(path: string): string {
  return basename(path).replace(/(\.nii\.gz|\.[^.]*)$/i, '');
}

/**
 * Where the masks of images are: one file for all; a folder with files of the same name, whatever their format; or a template with
 * `{dir}`, `{name}` and `{stem}` of the image's path. Relative paths are meant from `folder`. Throws CONFIG.
 */
export async function maskFinder(spec: string, folder: string): Promise<MaskFinder> {
  if (spec.includes('{')) return byTemplate(spec, folder);
  const path = resolve(folder, spec);
  const kind = await stat(path).then(
    (found) => (found.isDirectory() ? 'folder' : 'file'),
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw ioError(cause, path, 'read');
      throw new ThawError('CONFIG', `there is no file or folder '${spec}'.`, {
        node: 'mask',
        hint: "A template contains {stem}, {name} or {dir} of the image: 'masks/{stem}_mask.png'.",
      });
    },
  );
  return kind === 'file' ? () => path : byStem(path);
}

function byTemplate(spec: string, folder: string): MaskFinder {
  for (const [whole, word = ''] of spec.matchAll(/\{([^}]*)\}?/g)) {
    if (whole.endsWith('}') && PLACEHOLDERS.some((known) => known === word)) continue;
    throw new ThawError('CONFIG', `'${whole}' stands for nothing.${suggestion(word, PLACEHOLDERS)}`, {
      node: 'mask',
      hint: 'Templates know {stem}, the name without extension, {name}, and {dir}, the folder of the image.',
    });
  }
  return (image) => {
    const parts = { dir: dirname(image), name: basename(image), stem: stemOf(image) };
    return resolve(
      folder,
      spec.replace(/\{(dir|name|stem)\}/g, (_, word: keyof typeof parts) => parts[word]),
    );
  };
}

/** Of several files with the name of an image, that in folders of the same names. */
async function byStem(folder: string): Promise<MaskFinder> {
  const { files } = await filesBelow(folder).catch((cause: unknown) => {
    throw ioError(cause, folder, 'read');
  });
  const stems = groupBy(
    files.filter((file) => READ.test(file)),
    stemOf,
  );
  return (image) => {
    const stem = stemOf(image);
    const all = (stems.get(stem) ?? []).filter((file) => join(folder, file) !== image);
    const beside = all.filter((file) => isBelow(dirname(image), dirname(file)));
    const found = beside.length === 1 ? beside : all;
    if (found.length === 1) return join(folder, found[0]!);
    return {
      missing:
        found.length === 0
          ? `there is no mask '${stem}.*' in ${folder}`
          : `there are ${found.length} masks '${stem}.*' in ${folder}: ${found.slice(0, 3).join(', ')}`,
    };
  };
}

/** Whether a folder's path ends with the folders of another, relative one; all do with none. */
function isBelow(folder: string, end: string): boolean {
  return end === '.' ? true : `${sep}${folder}`.endsWith(`${sep}${end.split('/').join(sep)}`);
}
