import type { DataSummary, SplitSummary } from '../../sweep/run-info.js';
import type { ReportContext } from '../context.js';
import { count, counted, percent } from '../format.js';
import { html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';
import { qualityMarkup } from './quality.js';

/** Longer lists are folded away. */
const OPEN_LINES = 10;
const MOST_LINES = 500;

/** Every data set: what is in it, how it was split, and what was wrong with it. */
export function dataSection({ data }: ReportContext): Markup {
  const sets =
    data.length === 0
      ? html`<p class="empty">No summary of the data was recorded.</p>`
      : data.map(datasetMarkup);
  return html`<section id="data" aria-labelledby="h-data"><h2 id="h-data">Data</h2>${sets}</section>`;
}

function datasetMarkup(summary: DataSummary): Markup {
  const { splits } = summary;
  const all = [splits.train, splits.validation, splits.test];
  const columns = ['Split', 'Images', 'Patients'].map((title, index) => ({ title, numeric: index > 0 }));
  const rows = ['Training', 'Validation', 'Test'].map((title, index) => ({
    cells: [
      { content: title },
      { content: count(all[index]!.images) },
      { content: count(all[index]!.patients) },
    ],
  }));
  return html`<article class="dataset"><h3>${summary.dataset}</h3>
<p class="lead">${counted(summary.images, 'image')} of ${counted(summary.patients, 'patient')}. Split: ${summary.splitMethod}.</p>
<div class="halves"><div><ul class="checks">${leakageCheck(summary)}${fileChecks(summary)}</ul>
${dataTable(`Splits of ${summary.dataset}`, columns, rows)}
${summary.notes.length > 0 && html`<h4>Notes</h4><ul>${summary.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<details><summary>Folder</summary><p><code>${summary.root}</code></p></details></div>
<div>${prevalenceTable(summary)}</div></div>
${quarantineList(summary)}
${qualityMarkup(summary)}</article>`;
}

function leakageCheck({ leakingPatients, patientsAssumed }: DataSummary): Markup {
  if (leakingPatients.length > 0) {
    const names = leakingPatients.slice(0, MOST_LINES);
    const more = leakingPatients.length - names.length;
    return html`<li class="bad"><b>Leakage check violated</b> (allowed by <code>allowLeakage</code>): ${counted(leakingPatients.length, 'patient is', 'patients are')} in more than one split, so the test results are too good. <details${leakingPatients.length <= OPEN_LINES ? html` open` : ''}><summary>Patients</summary><p>${names.join(', ')}${more > 0 && ` and ${count(more)} more`}</p></details></li>`;
  }
  if (patientsAssumed) {
    return html`<li class="warn"><b>Leakage cannot be ruled out:</b> the data name no patients, so every image was taken for a patient of its own. Two images of one person may be in different splits.</li>`;
  }
  return html`<li class="good"><b>Leakage check passed:</b> no patient is in two splits.</li>`;
}

function fileChecks({ missingImages, quarantine }: DataSummary): Markup[] {
  const missing =
    missingImages === 0
      ? html`<li class="good"><b>Complete:</b> every image of the table was found.</li>`
      : html`<li class="warn"><b>${counted(missingImages, 'image')} listed but missing</b> on the disk; left out.</li>`;
  const broken =
    quarantine.length === 0
      ? html`<li class="good"><b>Readable:</b> no file had to be quarantined.</li>`
      : html`<li class="warn"><b>${counted(quarantine.length, 'file')} quarantined:</b> could not be read; left out of every split.</li>`;
  return [missing, broken];
}

function prevalenceTable({ dataset, labelNames, splits }: DataSummary): Markup {
  const columns = [{ title: 'Label' }, ...['Training', 'Validation', 'Test'].map((title) => ({ title }))];
  const all = [splits.train, splits.validation, splits.test];
  const rows = labelNames.map((label, index) => ({
    cells: [{ content: label }, ...all.map((split) => ({ content: prevalence(split, index) }))],
  }));
  return dataTable(
    `Positives of ${dataset}, and their share of the images whose label is known`,
    columns,
    rows,
  );
}

function prevalence(split: SplitSummary, index: number): Markup {
  const positives = split.positives[index] ?? 0;
  const known = split.known[index] ?? 0;
  if (known === 0) return html`<span class="none">${split.images === 0 ? 'no images' : 'not known'}</span>`;
  const share = positives / known;
  const unknown = split.images - known;
  return html`<span class="share" style="--v:${(share * 100).toFixed(2)}%"${unknown > 0 && html` title="not known for ${counted(unknown, 'image')}"`}><b>${count(positives)}</b> ${percent(share)}${unknown > 0 && ` of ${count(known)}`}</span>`;
}

function quarantineList({ dataset, quarantine }: DataSummary): Markup | false {
  if (quarantine.length === 0) return false;
  const shown = quarantine.slice(0, MOST_LINES);
  const columns = [{ title: 'Row', numeric: true }, { title: 'File' }, { title: 'Reason' }];
  const rows = shown.map(({ row, path, reason }) => ({
    cells: [{ content: row }, { content: html`<code>${path}</code>` }, { content: reason }],
  }));
  const more = quarantine.length - shown.length;
  return html`<details${quarantine.length <= OPEN_LINES ? html` open` : ''}><summary>${counted(quarantine.length, 'quarantined file')}</summary>${dataTable(`Quarantined files of ${dataset}`, columns, rows)}${more > 0 && html`<p>and ${count(more)} more</p>`}</details>`;
}
