import type { DuplicateGroup, DuplicateLink } from './duplicates.js';
import { type ImagesOf, issue, many, type QualityIssue } from './issues.js';
import type { PixelFindings } from './pixel-findings.js';

/** How the images of a group are copies of each other: `equal pixels`, or the farthest link. */
export function linkWords({ links }: DuplicateGroup): string {
  const near = links.filter((link) => link.kind === 'near');
  if (near.length === 0) return 'equal pixels';
  const worst = near.reduce((a, b) => (b.correlation < a.correlation ? b : a));
  const how = [
    near.some(({ mirrored }) => mirrored) && 'mirrored',
    near.some(({ inverted }) => inverted) && 'inverted',
  ];
  const changes = how.filter((word) => word !== false);
  return `near copies${changes.length > 0 ? ` (${changes.join(', ')})` : ''}, correlation ${worst.correlation.toFixed(3)}, ${worst.distance} of 256 bits differ`;
}

/** Images beyond the first of each group, by the kind of link that ties them to it. */
export function groupCounts(groups: readonly DuplicateGroup[]): {
  readonly exactDuplicates: number;
  readonly nearDuplicates: number;
} {
  const links = groups.flatMap((group) => group.links);
  const count = (kind: DuplicateLink['kind']) => links.filter((link) => link.kind === kind).length;
  return { exactDuplicates: count('exact'), nearDuplicates: count('near') };
}

/** What is odd about single images. */
export function pixelIssues(
  { constant, clipped, polarity, nearChecked, sizes, images }: PixelFindings,
  show: ImagesOf,
): QualityIssue[] {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const unchecked = [
    nearChecked ? [] : 'near duplicates (the images are stored with fewer than 24 × 24 pixels)',
    polarity.checked ? [] : 'inverted images (too few, or too different from each other)',
    sizes.known > 0 || images === 0 ? [] : 'original sizes',
  ].flat();
  return [
    issue(
      'constant',
      'warning',
      constant.map(({ row, deviation }) => ({
        images: show([row]),
        detail: deviation === 0 ? 'all pixels equal' : `standard deviation ${deviation.toFixed(1)} of 255`,
      })),
      `${many(constant.length, 'shows')} one grey level, or nearly.`,
    ),
    issue(
      'clipped',
      'warning',
      clipped.map(({ row, black, white }) => ({
        images: show([row]),
        detail: `${percent(white)} white, ${percent(black)} black`,
      })),
      `${many(clipped.length, 'is')} a quarter or more pure white, or three quarters or more pure black.`,
    ),
    issue(
      'inverted-looking',
      'warning',
      polarity.inverted.map(({ row, correlation }) => ({
        images: show([row]),
        detail: `correlation ${correlation.toFixed(2)} with the mean image`,
      })),
      `${many(polarity.inverted.length, 'looks')} inverted (bright where the others are dark).`,
    ),
    issue(
      'not-checked',
      'note',
      unchecked.map((detail) => ({ images: [], detail })),
      `Not checked: ${unchecked.join('; ')}.`,
    ),
  ];
}
