import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { DEFAULT_ALPHA, evaluateClaims } from './claims.js';
import type { ReportContext, ReportInput } from './context.js';
import { curveFigures } from './curves.js';
import { readExperiment } from './experiment.js';
import { drawCurveFigure, standAloneSvg } from './figures.js';
import { uniqueIds } from './format.js';
import { renderPage } from './html.js';
import { drawLabelFigure } from './label-chart.js';
import { labelResults } from './label-results.js';
import { networkOrRadiomics } from './network-or-radiomics.js';

export type { ReportInput } from './context.js';

/** Paths of what was written. */
export interface WrittenReport {
  readonly html: string;
  readonly figures: readonly string[];
}

/**
 * Writes `report/index.html` and `report/figures/*.svg` of a run folder, replacing an earlier report. The same rows give
 * the same bytes. Throws a ThawError IO where the folder cannot be written.
 */
export async function writeReport(runFolder: string, input: ReportInput): Promise<WrittenReport> {
  const context = await drawFigures(input);
  const folder = join(runFolder, 'report');
  const figures = [
    ...context.curves.map(({ drawn }) => drawn),
    ...context.labels.flatMap(({ drawn }) => drawn ?? []),
  ];
  const paths = figures.map(({ id }) => join(folder, 'figures', `${id}.svg`));
  await removeEarlierFigures(join(folder, 'figures'), new Set(paths));
  for (const [index, figure] of figures.entries())
    await writeFileAtomic(paths[index]!, standAloneSvg(figure));
  const page = join(folder, 'index.html');
  await writeFileAtomic(page, renderPage(context));
  return { html: page, figures: paths };
}

/** Figures of an earlier report that this one does not have; files of other names are the user's. */
async function removeEarlierFigures(folder: string, kept: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    if (/^auc-[a-z0-9-]+\.svg$/.test(name) && !kept.has(path)) await rm(path, { force: true });
  }
}

async function drawFigures(input: ReportInput): Promise<ReportContext> {
  const experiment = readExperiment(input.rows);
  const unique = uniqueIds();
  const curves: ReportContext['curves'][number][] = [];
  const [best, ...byFactor] = curveFigures(experiment, unique);
  const compared = networkOrRadiomics(experiment, unique('auc-networks-and-radiomics'));
  for (const figure of [best, compared?.figure, ...byFactor]) {
    if (figure === undefined) continue;
    curves.push({ figure, drawn: await drawCurveFigure(figure) });
  }
  const labels: ReportContext['labels'][number][] = [];
  for (const panel of experiment.panels) {
    const results = labelResults(panel);
    if (results !== undefined) labels.push({ results, drawn: await drawLabelFigure(results, unique) });
  }
  const { claims = {}, alpha = DEFAULT_ALPHA, patientsOf = () => undefined } = input;
  const tested = evaluateClaims(claims, experiment, { patientsOf, alpha });
  const left = Math.max(0, input.planned - input.rows.length);
  return { ...input, claims: tested, experiment, left, curves, networkOrRadiomics: compared, labels };
}
