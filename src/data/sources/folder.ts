import { join, posix } from 'node:path';
import { messageOf, ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry, SplitName } from '../dataset.js';
import { type DicomPatients, isDicomFile } from '../dicom-patients.js';
import { contentOf, filesBelow } from '../image-files.js';
import { splitNameOf, splitWords } from '../split-names.js';

/** One folder a class: `root/CLASS/…`, or `root/SPLIT/CLASS/…`. */
export interface FolderSource {
  readonly kind: 'folder';
  readonly root: string;
  /** Whether the folders in the root are splits; default: when all are named so and one of them is for training. */
  readonly split?: boolean | undefined;
  /**
   * Regular expression for the path relative to the root; its group `patient`, or else its first group, is the patient.
   * Without it every image is taken for a patient of its own.
   */
  readonly patient?: string | undefined;
  /** Where the headers of the images name patients. */
  readonly patients?: DicomPatients | undefined;
  /** The folder within each class folder that holds the images, where others (masks) lie beside it. */
  readonly within?: string | undefined;
  /**
   * Of image files, default png, jpg, jpeg, tif, tiff, webp, gif, dcm, dicom; then also DICOM files whose name has no extension
   * or is a UID.
   */
  readonly extensions?: readonly string[] | undefined;
}

const EXTENSIONS = ['png', 'jpg', 'jpeg', 'tif', 'tiff', 'webp', 'gif', 'dcm', 'dicom'];
/** As picture archives name files: `IM000001`, `1.2.840.113619.2.5`. The index of a DICOM medium is no image. */
const NAMELESS = /(^|\/)(?!DICOMDIR$)([^./]+|\d+(\.\d+)+)$/;

interface Found {
  readonly path: string;
  readonly className: string;
  readonly split?: SplitName;
}

export async function loadFolder(name: string, source: FolderSource): Promise<Dataset> {
  const { root } = source;
  const patientOf = patientReader(source);
  const scan = new FolderScan(root, source.extensions, source.within);
  const top = await contentOf(root);
  scan.leaveOut(top.files, top.hidden);
  if (hasSplits(top.folders, source)) {
    for (const folder of top.folders) {
      const split = splitNameOf(folder, splitWords(), { file: join(root, folder) })!;
      await scan.classesIn(folder, split);
    }
  } else {
    for (const className of top.folders) await scan.images(className, className);
  }
  const labelNames = [...new Set(scan.found.map(({ className }) => className))].sort();
  if (labelNames.length < 2) {
    throw new ThawError(
      'DATA',
      `expected a folder of images for each of several classes, found ${labelNames.length}.`,
      {
        file: root,
        hint: `Put images into root/CLASS/, or root/train/CLASS/ and so on. ${scan.notes().join('; ')}`.trim(),
      },
    );
  }
  const found = scan.found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const labels = new Float32Array(found.length * labelNames.length);
  const columnOf = new Map(labelNames.map((className, column) => [className, column]));
  for (const [row, { className }] of found.entries()) {
    labels[row * labelNames.length + columnOf.get(className)!] = 1;
  }
  const entries = found.map(
    ({ path, split }): DatasetEntry => ({
      path,
      patient: patientOf(path),
      ...(split === undefined ? {} : { split }),
    }),
  );
  return {
    name,
    root,
    entries,
    labelNames,
    labels,
    exclusive: true,
    missingImages: 0,
    patientsAssumed: source.patient === undefined,
    notes: scan.notes(),
  };
}

function hasSplits(folders: readonly string[], source: FolderSource): boolean {
  if (source.split !== undefined) return source.split;
  const words = splitWords();
  const splits = folders.map((folder) => words.get(folder.toLowerCase()));
  return splits.includes('train') && !splits.includes(undefined);
}

/** Collects images of class folders and counts what it leaves out. */
class FolderScan {
  readonly found: Found[] = [];
  private hidden = 0;
  private elsewhere = 0;
  private readonly otherFiles = new Map<string, number>();
  private readonly emptyFolders: string[] = [];
  private readonly extensions: ReadonlySet<string>;

  constructor(
    private readonly root: string,
    private readonly chosen: readonly string[] | undefined,
    /** The folder within each class folder that alone is looked into. */
    private readonly within: string | undefined,
  ) {
    this.extensions = new Set(
      (chosen ?? EXTENSIONS).map((extension) => extension.toLowerCase().replace(/^\./, '')),
    );
  }

  async classesIn(folder: string, split: SplitName): Promise<void> {
    const content = await contentOf(join(this.root, folder));
    this.leaveOut(content.files, content.hidden);
    for (const className of content.folders)
      await this.images(posix.join(folder, className), className, split);
  }

  async images(folder: string, className: string, split?: SplitName): Promise<void> {
    const { files: all, hidden } = await filesBelow(join(this.root, folder));
    const start = this.within === undefined ? '' : `${this.within}/`;
    const files = all.filter((file) => file.startsWith(start));
    this.elsewhere += all.length - files.length;
    const images: string[] = [];
    const others: string[] = [];
    for (const file of files) {
      if (await this.isImage(posix.join(folder, file))) images.push(file);
      else others.push(file);
    }
    this.leaveOut(others, hidden);
    if (images.length === 0) this.emptyFolders.push(folder);
    for (const file of images) {
      this.found.push({
        path: posix.join(folder, file),
        className,
        ...(split === undefined ? {} : { split }),
      });
    }
  }

  private async isImage(path: string): Promise<boolean> {
    if (this.extensions.has(extensionOf(path))) return true;
    return this.chosen === undefined && NAMELESS.test(path) && isDicomFile(join(this.root, path));
  }

  leaveOut(files: readonly string[], hidden: number): void {
    this.hidden += hidden;
    for (const file of files) {
      const kind = this.extensions.has(extensionOf(file))
        ? 'outside of class folders'
        : `.${extensionOf(file)}`;
      this.otherFiles.set(kind, (this.otherFiles.get(kind) ?? 0) + 1);
    }
  }

  notes(): string[] {
    const others = [...this.otherFiles].sort(([a], [b]) => (a < b ? -1 : 1));
    const total = others.reduce((sum, [, count]) => sum + count, 0);
    const kinds = others.map(([kind, count]) => `${count} ${kind}`).join(', ');
    return [
      ...(total === 0 ? [] : [`${total} other files ignored (${kinds})`]),
      ...(this.elsewhere === 0 ? [] : [`${this.elsewhere} files outside of '${this.within}' ignored`]),
      ...(this.hidden === 0 ? [] : [`${this.hidden} hidden files or folders ignored`]),
      ...(this.emptyFolders.length === 0 ? [] : [`folders without images: ${this.emptyFolders.join(', ')}`]),
    ];
  }
}

function extensionOf(path: string): string {
  return posix.extname(path).slice(1).toLowerCase();
}

function patientReader({ patient, root }: FolderSource): (path: string) => string {
  if (patient === undefined) return (path) => path;
  let expression: RegExp;
  try {
    expression = new RegExp(patient, 'u');
  } catch (cause) {
    throw new ThawError('CONFIG', `not a regular expression: ${messageOf(cause)}.`, {
      node: 'patient',
      cause,
    });
  }
  if (new RegExp(`${patient}|`, 'u').exec('')!.length < 2) {
    throw new ThawError('CONFIG', `'${patient}' has no group for the patient.`, {
      node: 'patient',
      hint: `Put it into round brackets, as in 'patient: "([0-9]+)_"'.`,
    });
  }
  return (path) => {
    const match = expression.exec(path);
    const found = match?.groups?.patient ?? match?.[1];
    if (found !== undefined && found !== '') return found;
    throw new ThawError('DATA', `'patient: ${patient}' finds no patient in this path.`, {
      file: join(root, path),
      hint: 'The expression must match the path of every image relative to the root.',
    });
  };
}
