import type { SplitName } from '../../data/dataset.js';

/** Errors stop a sweep unless the config allows them; warnings want a look; notes are to be known. */
export type Severity = 'error' | 'warning' | 'note';

export type IssueKind =
  | 'patients-across-splits'
  | 'duplicates-across-splits'
  | 'duplicates-dropped'
  | 'duplicates'
  | 'image-of-several-patients'
  | 'label-conflict'
  | 'constant'
  | 'clipped'
  | 'inverted-looking'
  | 'unreadable'
  | 'missing'
  | 'patients-unknown'
  | 'not-checked';

export interface IssueImage {
  readonly row: number;
  readonly path: string;
  readonly patient: string;
  /** Null for an image in no part of the split. */
  readonly split: SplitName | null;
}

/** One image, or images that belong together, and what is wrong with them. */
export interface IssueItem {
  readonly images: readonly IssueImage[];
  readonly detail: string;
}

export interface QualityIssue {
  readonly kind: IssueKind;
  readonly severity: Severity;
  /** Number of items; at most 100 of them are listed. */
  readonly count: number;
  /** One sentence. */
  readonly message: string;
  readonly items: readonly IssueItem[];
}

/** Turns rows into what is shown of them. */
export type ImagesOf = (rows: readonly number[]) => IssueImage[];

export const MOST_ITEMS = 100;

/** An issue of all items, of which the first are listed. */
export function issue(
  kind: IssueKind,
  severity: Severity,
  items: readonly IssueItem[],
  message: string,
): QualityIssue {
  return { kind, severity, count: items.length, message, items: items.slice(0, MOST_ITEMS) };
}

/** `1 image has`, `2 images have`. */
export function many(count: number, verb: 'has' | 'is' | 'shows' | 'looks' | 'can'): string {
  if (count === 1) return `1 image ${verb}`;
  return `${count} images ${PLURAL[verb]}`;
}

const PLURAL = { has: 'have', is: 'are', shows: 'show', looks: 'look', can: 'can' } as const;
