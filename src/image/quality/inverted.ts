import type { Thumbnails } from './correlation.js';
import { THUMBNAIL_PIXELS } from './thumbnail.js';

/**
 * An image whose thumbnail correlates with the mean of all by less than this looks inverted. Of 1,000 ChestX-ray14 radiographs the
 * lowest correlation is +0.12, so inverting every one of them brings all below −0.12 and 99.7 % below −0.3.
 */
export const INVERTED_BELOW = -0.3;
/** Where the images do not resemble each other, their mean says nothing about one of them. */
export const LEAST_AGREEMENT = 0.5;
export const LEAST_IMAGES = 20;

/** Whether bright is bright in all images of the set. */
export interface Polarity {
  /** Median correlation of the images with their mean; null for fewer than 20 images. */
  readonly agreement: number | null;
  /** False where there are fewer than 20 images or their agreement is below 0.5. */
  readonly checked: boolean;
  readonly inverted: readonly { readonly row: number; readonly correlation: number }[];
}

/**
 * Compares each thumbnail with the mean of all, each scaled to mean 0 and norm 1, by Pearson's correlation. An inverted
 * (MONOCHROME1) image among upright ones correlates negatively.
 */
export function findInverted(thumbnails: Thumbnails, rows: readonly number[]): Polarity {
  if (rows.length < LEAST_IMAGES) return { agreement: null, checked: false, inverted: [] };
  const mean = new Float64Array(THUMBNAIL_PIXELS);
  for (const row of rows) thumbnails.addTo(mean, row);
  const correlations = rows.map((row) => thumbnails.correlationWith(mean, row));
  const sorted = correlations.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const agreement = sorted[Math.floor(sorted.length / 2)] ?? null;
  if (agreement === null || agreement < LEAST_AGREEMENT) return { agreement, checked: false, inverted: [] };
  const inverted = rows
    .map((row, index) => ({ row, correlation: correlations[index]! }))
    .filter(({ correlation }) => correlation < INVERTED_BELOW);
  return { agreement, checked: true, inverted };
}
