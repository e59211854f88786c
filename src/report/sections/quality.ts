import type { IssueItem, QualityIssue, Severity } from '../../image/quality/issues.js';
import type { PixelSummary, QualityReport } from '../../image/quality/report.js';
import type { DataSummary } from '../../sweep/run-info.js';
import { count, counted, percent } from '../format.js';
import { html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';

/** Longer lists are folded away. */
const OPEN_LINES = 5;
const MARKS: Readonly<Record<Severity, string>> = { error: 'bad', warning: 'warn', note: 'good' };
/** What the lists above the quality report say already. */
const TOLD_ABOVE: ReadonlySet<string> = new Set([
  'patients-across-splits',
  'unreadable',
  'missing',
  'patients-unknown',
]);

/** What was looked for in the pixels and the table of a data set, and what was found; false for a run of an earlier version. */
export function qualityMarkup({ dataset, labelNames, quality }: DataSummary): Markup | false {
  if (quality === undefined) return false;
  const issues = quality.issues.filter(({ kind }) => !TOLD_ABOVE.has(kind));
  return html`<section class="quality" aria-label="Data quality of ${dataset}"><h4>Data quality</h4>
<p>${scopeOf(quality.pixels)}</p>
<ul class="checks">${passedChecks(quality)}${issues.map(issueMarkup)}</ul>
${tableFacts(quality, dataset)}${sitesTable(quality, labelNames, dataset)}</section>`;
}

function scopeOf(pixels: PixelSummary | null): string {
  if (pixels === null) return 'Only the table was looked at: copies and odd images are not known.';
  const near = pixels.nearChecked
    ? 'Copies were looked for among the stored pixels, also mirrored, inverted, or with other grey levels; cropped and rotated copies are not found.'
    : 'Only equal pixels were looked for: the images are stored too small to recognise near copies.';
  return `${counted(pixels.images, 'image')} looked through: ${counted(pixels.exactDuplicates, 'equal copy', 'equal copies')}${pixels.nearChecked ? ` and ${counted(pixels.nearDuplicates, 'near copy', 'near copies')}` : ''}. ${near}`;
}

function passedChecks({ pixels, issues }: QualityReport): Markup[] {
  if (pixels === null) return [];
  const found = new Set(issues.map(({ kind }) => kind));
  const passed: Markup[] = [];
  if (!found.has('duplicates-across-splits'))
    passed.push(
      html`<li class="good"><b>No copies across splits:</b> no image found in two parts of the split.</li>`,
    );
  if (!found.has('constant') && !found.has('clipped'))
    passed.push(
      html`<li class="good"><b>No blank images:</b> none shows one grey level or is mostly white or black.</li>`,
    );
  if (pixels.polarityChecked && !found.has('inverted-looking'))
    passed.push(html`<li class="good"><b>One polarity:</b> no image looks inverted against the others.</li>`);
  return passed;
}

function issueMarkup({ severity, message, items, count: total }: QualityIssue): Markup {
  const left = total - items.length;
  const list =
    items.length > 0 &&
    html`<details${items.length <= OPEN_LINES ? html` open` : ''}><summary>Images</summary><ul>${items.map((item) => html`<li>${itemMarkup(item)}</li>`)}</ul>${left > 0 && html`<p>and ${count(left)} more</p>`}</details>`;
  return html`<li class="${MARKS[severity]}"><b>${message}</b> ${list}</li>`;
}

function itemMarkup({ images, detail }: IssueItem): Markup {
  const names = images.map(
    ({ path, split }, index) => html`${index > 0 && ' = '}<code>${path}</code> (${split ?? 'unused'})`,
  );
  return html`${names}${images.length > 0 && ': '}${detail}`;
}

function tableFacts({ table, pixels }: QualityReport, dataset: string): Markup {
  const { imagesPerPatient, age } = table;
  const words = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([word, images]) => `${word} ${count(images)}`)
      .join(', ');
  const years = (value: number) => String(Number(value.toFixed(1)));
  const facts: (readonly [string, string])[] = [
    ['Images a patient', `median ${imagesPerPatient.median}, at most ${count(imagesPerPatient.maximum)}`],
    [
      'Age',
      age === null
        ? ''
        : `${years(age.minimum)} to ${years(age.maximum)} years, median ${years(age.median)} (known for ${count(age.known)})`,
    ],
    ['Sex', words(table.sex)],
    ['View', words(table.view)],
    ['Site', words(table.site)],
    ['Original size', pixels === null ? '' : sizesText(pixels)],
  ];
  const rows = facts
    .filter(([, text]) => text !== '')
    .map(([name, text]) => ({ cells: [{ content: name }, { content: text }] }));
  return dataTable(
    `What the table and the files of ${dataset} say`,
    [{ title: 'What' }, { title: 'Images' }],
    rows,
  );
}

function sizesText({ sizes }: PixelSummary): string {
  const named = sizes.sizes
    .slice(0, OPEN_LINES)
    .map(({ width, height, images }) => `${width} × ${height} (${count(images)})`);
  const more = sizes.distinct - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${counted(more, 'other size')}` : ''}`;
}

function sitesTable(
  { sites }: QualityReport,
  labelNames: readonly string[],
  dataset: string,
): Markup | false {
  if (sites.length === 0) return false;
  const columns = ['Site', 'Split', 'Images', 'Patients', ...labelNames].map((title, index) => ({
    title,
    numeric: index > 1,
  }));
  const rows = sites.flatMap(({ site, splits }) =>
    (['train', 'validation', 'test'] as const).map((name) => {
      const { images, patients, positives, known } = splits[name];
      const shares = labelNames.map((_, index) =>
        known[index] === 0 ? '–' : percent(positives[index]! / known[index]!),
      );
      return {
        cells: [site === '' ? 'none' : site, name, count(images), count(patients), ...shares].map(
          (content) => ({
            content,
          }),
        ),
      };
    }),
  );
  return dataTable(
    `Positives of ${dataset} by site and split, of the images whose label is known`,
    columns,
    rows,
  );
}
