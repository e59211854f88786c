import { ThawError } from '../base/errors.js';
import { listSome } from '../base/nearest.js';
import type { Dataset, DatasetEntry } from './dataset.js';

interface Listed {
  readonly entry: DatasetEntry;
  readonly labels: readonly number[];
  readonly row: number;
}

/** Collects the rows of a table: drops identical duplicates, refuses conflicting ones, sorts out missing images. */
export class EntryTable {
  private readonly listed = new Map<string, Listed>();
  private duplicates = 0;

  constructor(private readonly file: string) {}

  /** `labels` [label names]; `row` 1-based. Throws DATA when another row says something else about the same image. */
  add(entry: DatasetEntry, labels: readonly number[], row: number): void {
    const known = this.listed.get(entry.path);
    if (known === undefined) {
      this.listed.set(entry.path, { entry, labels, row });
      return;
    }
    const difference = differingField(known, { entry, labels, row });
    if (difference !== undefined) {
      throw new ThawError('DATA', `'${entry.path}' has another ${difference} than in row ${known.row}.`, {
        file: this.file,
        row,
        hint: 'An image may stand in one row only, or in several equal ones: correct the table.',
      });
    }
    this.duplicates++;
  }

  get paths(): string[] {
    return [...this.listed.keys()];
  }

  /**
   * Entries and labels of the images that exist; `locate` gives a listed image's path relative to the root, or undefined
   * where it is missing. Throws DATA when images are missing without `allowMissing`, or when none is left.
   */
  finish(
    locate: (path: string) => string | undefined,
    allowMissing: boolean,
  ): Pick<Dataset, 'entries' | 'labels' | 'missingImages'> & { notes: string[] } {
    const entries: DatasetEntry[] = [];
    const labels: number[] = [];
    const missing: string[] = [];
    for (const { entry, labels: values } of this.listed.values()) {
      const path = locate(entry.path);
      if (path === undefined) {
        missing.push(entry.path);
        continue;
      }
      entries.push(path === entry.path ? entry : { ...entry, path });
      for (const value of values) labels.push(value);
    }
    if (entries.length === 0) throw this.nothingLeft(missing);
    if (missing.length > 0 && !allowMissing) throw this.missingError(missing);
    const notes =
      this.duplicates === 0 ? [] : [`${this.duplicates} repeated identical rows of the table dropped`];
    return { entries, labels: Float32Array.from(labels), missingImages: missing.length, notes };
  }

  private missingError(missing: readonly string[]): ThawError {
    const total = this.listed.size;
    return new ThawError(
      'DATA',
      `${missing.length} of ${total} listed images are missing: ${listSome(missing, 5)}.`,
      {
        file: this.file,
        hint: "Complete the image folder, or set 'allowMissing: true' to go on with the images that are there.",
      },
    );
  }

  private nothingLeft(missing: readonly string[]): ThawError {
    const summary =
      missing.length === 0
        ? 'the table lists no images.'
        : `none of the ${missing.length} listed images was found (first: ${listSome(missing, 3)}).`;
    return new ThawError('DATA', summary, {
      file: this.file,
      hint: "Check 'root' and where the images lie relative to it.",
    });
  }
}

function differingField(a: Listed, b: Listed): string | undefined {
  const fields = ['patient', 'split', 'site', 'age', 'sex', 'view'] as const;
  const field = fields.find((name) => a.entry[name] !== b.entry[name]);
  if (field !== undefined) return field;
  return a.labels.every((value, index) => Object.is(value, b.labels[index])) ? undefined : 'label';
}
