import type { QualityIssue } from '../image/quality/issues.js';
import type { QualityReport } from '../image/quality/report.js';
import type { DataSummary, SplitSummary } from '../sweep/run-info.js';

/** Items of one issue that are printed; `--json` has more. */
const MOST_ITEMS = 5;
const MOST_SITES = 10;

/** The report of `thaw data check` on one data set, as lines of text. */
export function describeData(summary: DataSummary): string {
  const { splits, labelNames, quality } = summary;
  const parts: readonly SplitSummary[] = [splits.train, splits.validation, splits.test];
  const lines = [
    `${summary.dataset}: ${summary.images} images of ${summary.patients} patients${summary.patientsAssumed ? ' (one assumed for each image)' : ''}`,
    `  split          ${summary.splitMethod}; patients in two splits: ${summary.leakingPatients.length}`,
    ...(quality === undefined ? [] : describeTable(quality)),
    row('', ['train', 'validation', 'test']),
    row(
      'images (patients)',
      parts.map(({ images, patients }) => `${images} (${patients})`),
    ),
    ...labelNames.map((label, index) =>
      row(
        label,
        parts.map(({ positives, known }) => share(positives[index]!, known[index]!)),
      ),
    ),
    ...(quality === undefined ? [] : describeSites(quality, labelNames)),
    ...(quality === undefined ? [] : quality.issues.flatMap(describeIssue)),
  ];
  return [...lines, ...summary.notes.map((note) => `  note: ${note}`)].join('\n');
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(22)}${cells.map((cell) => cell.padStart(16)).join('')}`;
}

function share(positives: number, known: number): string {
  return known === 0 ? 'unknown' : `${positives} (${((100 * positives) / known).toFixed(1)} %)`;
}

function describeTable({ table, pixels }: QualityReport): string[] {
  const { imagesPerPatient, age } = table;
  const words = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .slice(0, MOST_SITES)
      .map(([word, images]) => `${word} ${images}`)
      .join(', ');
  const line = (name: string, text: string) => (text === '' ? [] : [`  ${name.padEnd(15)}${text}`]);
  return [
    ...line('per patient', `median ${imagesPerPatient.median}, at most ${imagesPerPatient.maximum} images`),
    ...line(
      'age',
      age === null
        ? ''
        : `${age.known} known, ${round(age.minimum)} to ${round(age.maximum)}, median ${round(age.median)}`,
    ),
    ...line('sex', words(table.sex)),
    ...line('view', words(table.view)),
    ...line('site', words(table.site)),
    ...(pixels === null ? line('pixels', 'not looked at') : line('pixels', describePixels(pixels))),
  ];
}

function round(years: number): string {
  return String(Number(years.toFixed(1)));
}

function describePixels({
  images,
  exactDuplicates,
  nearDuplicates,
  nearChecked,
  sizes,
}: NonNullable<QualityReport['pixels']>): string {
  const near = nearChecked ? `${nearDuplicates} near copies` : 'near copies not looked for';
  const most = sizes.sizes
    .slice(0, 3)
    .map(({ width, height, images: count }) => `${width}×${height} (${count})`)
    .join(', ');
  const more = sizes.distinct > 3 ? ` and ${sizes.distinct - 3} other sizes` : '';
  return `${images} images read; ${exactDuplicates} equal copies, ${near}; ${most}${more}`;
}

function describeSites({ sites }: QualityReport, labelNames: readonly string[]): string[] {
  return sites.slice(0, MOST_SITES).flatMap(({ site, splits }) => {
    const parts = [splits.train, splits.validation, splits.test];
    return [
      row(
        `at ${site === '' ? 'no site' : site}`,
        parts.map(({ images, patients }) => `${images} (${patients})`),
      ),
      ...labelNames.map((label, index) =>
        row(
          `  ${label}`,
          parts.map(({ positives, known }) => share(positives[index]!, known[index]!)),
        ),
      ),
    ];
  });
}

function describeIssue({ severity, message, items, count }: QualityIssue): string[] {
  const shown = items.slice(0, MOST_ITEMS).map(({ images, detail }) => {
    const names = images.slice(0, 4).map(({ path, split }) => `${path} (${split ?? 'unused'})`);
    const more = images.length > names.length ? ` and ${images.length - names.length} more` : '';
    return `      ${[names.join(' = ') + more, detail].filter((text) => text !== '').join(': ')}`;
  });
  const left = items.length === 0 ? 0 : count - shown.length;
  return [`  ${severity}: ${message}`, ...shown, ...(left > 0 ? [`      and ${left} more`] : [])];
}
