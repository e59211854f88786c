import { createHash } from 'node:crypto';
import { type Stats, stat } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { throwIfAborted } from '../base/abort.js';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { contentId } from '../base/hash.js';
import type { Dataset } from '../data/dataset.js';
import type { ImageLayout } from './geometry.js';

/** Raise it when the same file would decode to other pixels than before. */
const DECODER_VERSION = 1;
/** The same for data sets with files that may be DICOM: an earlier version had put these into quarantine. */
const DICOM_DECODER_VERSION = 2;
const OTHER_FORMATS = /\.(png|jpe?g|tiff?|webp|gif)$/i;
const BATCH = 1024;
const ABSENT = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'];
const statCallback: (path: string) => Promise<Stats> = promisify(stat);

/**
 * Content address of the image store of a data set: every image's relative path, size and modification time, and the layout.
 * Embedded images have what decides their pixels instead. No file is opened; 100,000 files take about a second on a local
 * disk. A missing file counts as such, so the address
 * changes when it appears.
 * Throws DATA when the data set has no entries or none of its images exists, IO when the file system does not answer.
 */
export async function imageStoreId(
  dataset: Dataset,
  layout: ImageLayout,
  signal?: AbortSignal,
): Promise<string> {
  const { size, geometry, channels, window } = layout;
  const mayBeDicom =
    dataset.embedded === undefined && dataset.entries.some(({ path }) => !OTHER_FORMATS.test(path));
  const id = (files: string) =>
    contentId({
      kind: 'images',
      decoder: mayBeDicom ? DICOM_DECODER_VERSION : DECODER_VERSION,
      layout: { size, geometry, channels, ...(window === undefined ? {} : { window }) },
      files,
    });
  const files = createHash('sha256');
  if (dataset.embedded !== undefined) {
    if (dataset.entries.length === 0) throw noImages(dataset);
    files.update(`${await dataset.embedded.identity()}\n`);
    for (const { path } of dataset.entries) files.update(`${path}\n`);
    return id(files.digest('hex'));
  }
  let found = 0;
  for (let first = 0; first < dataset.entries.length; first += BATCH) {
    throwIfAborted(signal, 'The images were being listed.');
    const batch = dataset.entries.slice(first, first + BATCH);
    const stats = await Promise.all(batch.map(({ path }) => statIfPresent(join(dataset.root, path))));
    const lines = batch.map(({ path }, i) => `${path}\t${describe(stats[i])}\n`);
    files.update(lines.join(''));
    found += stats.filter((file) => file !== undefined).length;
  }
  if (found === 0) throw noImages(dataset);
  return id(files.digest('hex'));
}

/** Whole milliseconds, which most ways of copying a folder with its times preserve. */
function describe(file: Stats | undefined): string {
  return file === undefined ? 'absent' : `${file.size}\t${Math.round(file.mtimeMs)}`;
}

async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await statCallback(path);
  } catch (cause) {
    if (ABSENT.includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw ioError(cause, path, 'read');
  }
}

function noImages(dataset: Dataset): ThawError {
  const total = dataset.entries.length;
  if (total === 0)
    return new ThawError('DATA', `data set ${dataset.name} lists no images.`, { file: dataset.root });
  return new ThawError('DATA', `none of the ${total} images of data set ${dataset.name} exists.`, {
    file: join(dataset.root, dataset.entries[0]?.path ?? ''),
    hint: 'Check the folder of the images in the config.',
  });
}
