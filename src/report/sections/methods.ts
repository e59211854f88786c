import type { ReportContext } from '../context.js';
import { html, type Markup } from '../markup.js';

const DOI = 'https://doi.org/10.1002/mp.14507';

/** What the numbers mean, what to cite, and the versions and config behind them. */
export function methodsSection({ rows, config, experiment }: ReportContext): Markup {
  const validation = new Set(experiment.ok.map(({ spec }) => spec.validation));
  const folds = [...validation].filter((word) => word.startsWith('cv:')).sort();
  return html`<section id="methods" aria-labelledby="h-methods"><h2 id="h-methods">How to read the numbers</h2>
<div class="prose">
<p><b>Selection never sees the test set.</b> The epoch of a trial, its decision threshold and every configuration called “selected” or “best” are chosen on validation; the test set is read once a trial, at its end. ${validation.has('proportional') && 'Where the validation set is proportional it shrinks with N, as it would for someone who has N cases only. '}${validation.has('full') && 'Where the validation set is full, selection has more data than someone with N cases would have. '}${folds.length > 0 && html`Where it is ${folds.join(', ')}, the N cases themselves are cut into folds by patient: each model is chosen on the fold that it has not seen, the validation numbers are of all folds’ held-out predictions together, and the test predictions are the mean of the models’. `}</p>
<p><b>Training subsets are nested.</b> Within a seed, the subset of size 50 is part of the one of size 100, and so on; trials with the same seed and N see the same cases, so their differences are paired.</p>
<p><b>Intervals are over seeds only.</b> They are 95 % t-intervals of the mean over seeds (subset, initial weights, sample order). All seeds share one test set: the intervals do not contain the uncertainty that comes from its patients, which on a small test set may well be the larger part.</p>
<p><b>AUROC</b> is the area under the receiver operating characteristic; for several labels the unweighted mean of those for which it is defined. 0.5 is chance. <b>AP</b> is average precision; its chance level is the prevalence.</p>
${
  experiment.ok.some(({ spec }) => spec.regression !== undefined) &&
  html`<p><b>Radiomics</b> are hand-made features of the stored images with logistic regressions, one for each label; C is chosen by cross-validation by patient within the training subset, so the validation set decides on thresholds alone.</p>`
}
<p>The experiment follows Romero M, Interian Y, Solberg T, Valdes G. Targeted transfer learning to improve performance in small medical physics datasets. <i>Med Phys</i> 2020;47(12):6246–6256. <a href="${DOI}">doi 10.1002/mp.14507</a></p>
</div>
<dl class="facts versions">${versionFacts(rows)}</dl>
<details><summary>Resolved config of the sweep</summary><pre>${JSON.stringify(config, null, 2) ?? 'none'}</pre></details></section>`;
}

function versionFacts(rows: ReportContext['rows']): Markup[] {
  const list = (values: readonly string[]) => [...new Set(values)].join(', ') || '–';
  const facts: [string, string][] = [
    ['thaw', list(rows.map(({ versions }) => versions.thaw))],
    ['Node.js', list(rows.map(({ versions }) => versions.node))],
    ['ONNX Runtime', list(rows.map(({ versions }) => versions.onnxruntime))],
    ['Instruction set', list(rows.map(({ versions }) => versions.instructionSet))],
    ['Hosts', list(rows.map(({ host }) => host))],
  ];
  return facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`);
}
