import { ThawError } from '../base/errors.js';
import { listSome } from '../base/nearest.js';
import type { Dataset, DatasetEntry } from './dataset.js';

/** Collects the rows of a table: drops identical duplicates, refuses conflicting ones, sorts out missing images. */
export class EntryTable {
  private readonly listed = new Set<string>();
  private readonly entries: DatasetEntry[] = [];
  private readonly tableRows: number[] = [];
  /** [entries, labels], with room for more. */
  private labels = new Float32Array(0);
  private labelCount = 0;
  private duplicates = 0;
  /** Path → position, of the first `indexed` entries. */
  private readonly positions = new Map<string, number>();
  private indexed = 0;

  constructor(private readonly file: string) {}

  /** `labels` [label names]; `row` 1-based. Throws DATA when another row says something else about the same image. */
  add(entry: DatasetEntry, labels: ArrayLike<number>, row: number): void {
    const position = this.entries.length;
    if (this.listed.add(entry.path).size === position) {
      this.checkSame(entry, labels, row);
      this.duplicates++;
      return;
    }
    this.entries.push(entry);
    this.tableRows.push(row);
    this.putLabels(position, labels);
  }

  get paths(): string[] {
    return this.entries.map(({ path }) => path);
  }

  /**
   * Entries and labels of the images that exist; `locate` gives a listed image's path relative to the root, or undefined
   * where it is missing. Throws DATA when images are missing without `allowMissing`, or when none is left.
   */
  finish(
    locate: (path: string) => string | undefined,
    allowMissing: boolean,
  ): Pick<Dataset, 'entries' | 'labels' | 'missingImages'> & { notes: string[] } {
    const count = this.labelCount;
    const labels = this.labels.slice(0, this.entries.length * count);
    const entries: DatasetEntry[] = [];
    const missing: string[] = [];
    for (let position = 0; position < this.entries.length; position++) {
      const entry = this.entries[position]!;
      const path = locate(entry.path);
      if (path === undefined) {
        missing.push(entry.path);
        continue;
      }
      if (missing.length > 0) {
        labels.copyWithin(entries.length * count, position * count, (position + 1) * count);
      }
      entries.push(path === entry.path ? entry : { ...entry, path });
    }
    if (entries.length === 0) throw this.nothingLeft(missing);
    if (missing.length > 0 && !allowMissing) throw this.missingError(missing);
    const notes =
      this.duplicates === 0 ? [] : [`${this.duplicates} repeated identical rows of the table dropped`];
    return { entries, labels: labels.slice(0, entries.length * count), missingImages: missing.length, notes };
  }

  private putLabels(position: number, labels: ArrayLike<number>): void {
    this.labelCount = labels.length;
    const start = position * labels.length;
    if (start + labels.length > this.labels.length) {
      const larger = new Float32Array(Math.max(1024, 2 * (start + labels.length)));
      larger.set(this.labels);
      this.labels = larger;
    }
    for (let label = 0; label < labels.length; label++) this.labels[start + label] = labels[label]!;
  }

  private checkSame(entry: DatasetEntry, labels: ArrayLike<number>, row: number): void {
    const position = this.positionOf(entry.path);
    const known = this.entries[position]!;
    const own = this.labels.subarray(position * this.labelCount, (position + 1) * this.labelCount);
    const fields = ['patient', 'split', 'site', 'age', 'sex', 'view'] as const;
    const difference =
      fields.find((name) => known[name] !== entry[name]) ??
      (own.every((value, label) => Object.is(value, Math.fround(labels[label]!))) ? undefined : 'label');
    if (difference === undefined) return;
    throw new ThawError(
      'DATA',
      `'${entry.path}' has another ${difference} than in row ${this.tableRows[position]}.`,
      {
        file: this.file,
        row,
        hint: 'An image may stand in one row only, or in several equal ones: correct the table.',
      },
    );
  }

  /** Repeated rows are rare: the positions are looked up from the first one on. */
  private positionOf(path: string): number {
    for (; this.indexed < this.entries.length; this.indexed++) {
      this.positions.set(this.entries[this.indexed]!.path, this.indexed);
    }
    return this.positions.get(path)!;
  }

  private missingError(missing: readonly string[]): ThawError {
    const total = this.entries.length;
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
