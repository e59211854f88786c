import { groupBy } from '../base/group-by.js';
import type { Dataset, SplitName } from './dataset.js';
import type { Split } from './split.js';

const SPLITS: readonly SplitName[] = ['train', 'validation', 'test'];

/** Rows that show the same image. */
export type ImageGroup = readonly number[];

/** [entries] the part of the split that each row is in; undefined for rows in none. */
export function partsOf(dataset: Dataset, split: Split): readonly (SplitName | undefined)[] {
  const parts = new Array<SplitName | undefined>(dataset.entries.length).fill(undefined);
  for (const name of SPLITS) for (const row of split[name]) parts[row] = name;
  return parts;
}

/** The groups with images in more than one part of the split. */
export function groupsAcrossSplits<Group extends { readonly rows: ImageGroup }>(
  groups: readonly Group[],
  parts: readonly (SplitName | undefined)[],
): Group[] {
  return groups.filter(({ rows }) => {
    const present = new Set(rows.map((row) => parts[row]));
    present.delete(undefined);
    return present.size > 1;
  });
}

/**
 * Rows to leave out so that no group is in more than one part: test images stay, so that results remain comparable; validation
 * loses what is in test too, and train what is in validation or test. Ascending.
 */
export function rowsToDrop(
  groups: readonly { readonly rows: ImageGroup }[],
  parts: readonly (SplitName | undefined)[],
): number[] {
  return groupsAcrossSplits(groups, parts)
    .flatMap(({ rows }) => {
      const kept = SPLITS.findLast((name) => rows.some((row) => parts[row] === name));
      return rows.filter((row) => parts[row] !== undefined && parts[row] !== kept);
    })
    .sort((a, b) => a - b);
}

/** The groups whose images are listed under more than one patient; none where patients are assumed. */
export function groupsAcrossPatients<Group extends { readonly rows: ImageGroup }>(
  groups: readonly Group[],
  { entries, patientsAssumed }: Dataset,
): Group[] {
  if (patientsAssumed) return [];
  return groups.filter(({ rows }) => new Set(rows.map((row) => entries[row]!.patient)).size > 1);
}

/** A group of one image with labels that contradict each other. */
export interface LabelConflict {
  readonly rows: ImageGroup;
  /** Present in one of the rows and absent in another. */
  readonly labels: readonly string[];
}

/** Groups with a label that is known to be present for one of their images and absent for another. */
export function labelConflicts(
  groups: readonly { readonly rows: ImageGroup }[],
  { labels, labelNames }: Dataset,
): LabelConflict[] {
  return groups.flatMap(({ rows }) => {
    const contradicting = labelNames.filter((_, label) => {
      const values = rows.map((row) => labels[row * labelNames.length + label]!);
      return values.includes(1) && values.includes(0);
    });
    return contradicting.length === 0 ? [] : [{ rows, labels: contradicting }];
  });
}

/** Positives and known labels of the images of one site in one part of the split. */
export interface SiteCounts {
  readonly images: number;
  readonly patients: number;
  /** [labelNames] */
  readonly positives: readonly number[];
  readonly known: readonly number[];
}

export interface SitePrevalence {
  /** Empty for images without a site. */
  readonly site: string;
  readonly splits: Readonly<Record<SplitName, SiteCounts>>;
}

/** Prevalence by site and split, largest site first; empty where no image has a site. */
export function prevalenceBySite(dataset: Dataset, split: Split): SitePrevalence[] {
  if (dataset.entries.every(({ site }) => site === undefined)) return [];
  const bySite = Object.fromEntries(
    SPLITS.map((name) => [name, groupBy(split[name], (row) => dataset.entries[row]!.site ?? '')]),
  ) as Record<SplitName, Map<string, number[]>>;
  const sites = groupBy(dataset.entries, ({ site }) => site ?? '');
  return [...sites]
    .sort(([a, first], [b, second]) => second.length - first.length || (a < b ? -1 : 1))
    .map(([site]) => {
      const counts = (name: SplitName) => countsOf(dataset, bySite[name].get(site) ?? []);
      return {
        site,
        splits: { train: counts('train'), validation: counts('validation'), test: counts('test') },
      };
    });
}

function countsOf({ entries, labels, labelNames }: Dataset, rows: readonly number[]): SiteCounts {
  const values = labelNames.map((_, label) => rows.map((row) => labels[row * labelNames.length + label]!));
  return {
    images: rows.length,
    patients: new Set(rows.map((row) => entries[row]!.patient)).size,
    positives: values.map((column) => column.filter((value) => value === 1).length),
    known: values.map((column) => column.filter((value) => !Number.isNaN(value)).length),
  };
}

export interface NumberSummary {
  readonly minimum: number;
  readonly median: number;
  readonly maximum: number;
}

/** Who and what the images show, as far as the table says. */
export interface TableCounts {
  readonly imagesPerPatient: NumberSummary;
  /** Images with an age, and the ages in years; null where none has one. */
  readonly age: (NumberSummary & { readonly known: number }) | null;
  /** Images by word; images without one are not counted. Most frequent first. */
  readonly sex: Readonly<Record<string, number>>;
  readonly view: Readonly<Record<string, number>>;
  readonly site: Readonly<Record<string, number>>;
}

export function tableCounts({ entries }: Dataset): TableCounts {
  const patients = groupBy(entries, ({ patient }) => patient);
  const ages = entries.flatMap(({ age }) => age ?? []);
  return {
    imagesPerPatient: summaryOf([...patients.values()].map(({ length }) => length)),
    age: ages.length === 0 ? null : { known: ages.length, ...summaryOf(ages) },
    sex: frequencies(entries.map(({ sex }) => sex)),
    view: frequencies(entries.map(({ view }) => view)),
    site: frequencies(entries.map(({ site }) => site)),
  };
}

function summaryOf(numbers: readonly number[]): NumberSummary {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { minimum: sorted[0]!, median, maximum: sorted.at(-1)! };
}

function frequencies(words: readonly (string | undefined)[]): Record<string, number> {
  const groups = groupBy(
    words.filter((word) => word !== undefined),
    (word) => word,
  );
  const counts = [...groups].map(([word, { length }]) => [word, length] as const);
  return Object.fromEntries(counts.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
