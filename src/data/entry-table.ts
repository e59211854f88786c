import { ThawError } from '../base/errors.js';
import { listSome } from '../base/nearest.js';
import type { Dataset, DatasetEntry } from './dataset.js';

/** Collects the rows of a table: drops identical duplicates, refuses conflicting ones, sorts out missing images. */
export class EntryTable {
  private readonly entries: DatasetEntry[] = [];
  private readonly tableRows: number[] = [];
  /** [entries, labels], with room for more. */
  private labels = new Float32Array(0);
  private labelCount = 0;

  constructor(private readonly file: string) {}

  /** `labels` [label names]; `row` 1-based. */
  add(entry: DatasetEntry, labels: ArrayLike<number>, row: number): void {
    this.entries.push(entry);
    this.tableRows.push(row);
    this.putLabels(this.entries.length - 1, labels);
  }

  get paths(): string[] {
    return this.entries.map(({ path }) => path);
  }

  /**
   * Entries and labels of the images that exist; `locate` gives a listed image's path relative to the root, or undefined
   * where it is missing. `mayRepeat`: false where the caller knows that no path was listed twice. Throws DATA when two rows
   * say different things about one image, images are missing without `allowMissing`, or none is left.
   */
  finish(
    locate: (path: string) => string | undefined,
    allowMissing: boolean,
    mayRepeat = true,
  ): Pick<Dataset, 'entries' | 'labels' | 'missingImages'> & { notes: string[] } {
    const count = this.labelCount;
    const labels = this.labels.slice(0, this.entries.length * count);
    const entries: DatasetEntry[] = [];
    const missing: string[] = [];
    const repeated = mayRepeat ? this.repeatedRows() : new Set<number>();
    for (let position = 0; position < this.entries.length; position++) {
      if (repeated.has(position)) continue;
      const entry = this.entries[position]!;
      const path = locate(entry.path);
      if (path === undefined) {
        missing.push(entry.path);
        continue;
      }
      if (entries.length < position) {
        labels.copyWithin(entries.length * count, position * count, (position + 1) * count);
      }
      entries.push(path === entry.path ? entry : { ...entry, path });
    }
    if (entries.length === 0) throw this.nothingLeft(missing);
    if (missing.length > 0 && !allowMissing)
      throw this.missingError(missing, this.entries.length - repeated.size);
    const notes =
      repeated.size === 0 ? [] : [`${repeated.size} repeated identical rows of the table dropped`];
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

  /** Positions of entries whose image stands in an earlier row. Throws DATA where that says something else about it. */
  private repeatedRows(): Set<number> {
    const first = new Map<string, number>();
    const repeated = new Set<number>();
    for (let position = 0; position < this.entries.length; position++) {
      const { path } = this.entries[position]!;
      const earlier = first.get(path);
      if (earlier === undefined) first.set(path, position);
      else {
        this.checkSame(earlier, position);
        repeated.add(position);
      }
    }
    return repeated;
  }

  private checkSame(position: number, later: number): void {
    const count = this.labelCount;
    const labelsOf = (at: number) => this.labels.subarray(at * count, (at + 1) * count);
    const entry = this.entries[later]!;
    const known = this.entries[position]!;
    const labels = labelsOf(later);
    const fields = ['patient', 'split', 'site', 'age', 'sex', 'view'] as const;
    const difference =
      fields.find((name) => known[name] !== entry[name]) ??
      (labelsOf(position).every((value, label) => Object.is(value, labels[label])) ? undefined : 'label');
    if (difference === undefined) return;
    throw new ThawError(
      'DATA',
      `'${entry.path}' has another ${difference} than in row ${this.tableRows[position]}.`,
      {
        file: this.file,
        row: this.tableRows[later]!,
        hint: 'An image may stand in one row only, or in several equal ones: correct the table.',
      },
    );
  }

  private missingError(missing: readonly string[], total: number): ThawError {
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
