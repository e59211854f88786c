import type { ReportContext } from '../context.js';
import { count } from '../format.js';
import { html, type Markup } from '../markup.js';
import { intervalText, type SourceCrossover } from '../network-or-radiomics.js';
import { dataTable } from '../table.js';

/** From which N on networks are better than radiomics: one row a task and source of networks. */
export function crossoversSection({ networkOrRadiomics }: ReportContext): Markup | false {
  if (networkOrRadiomics === undefined) return false;
  const { figure, crossovers } = networkOrRadiomics;
  const columns = [
    { title: 'Task' },
    { title: 'Networks' },
    { title: 'Ahead from N', numeric: true },
    { title: '95 % interval', numeric: true },
    { title: 'Largest N of both', numeric: true },
    { title: 'Read from' },
  ];
  const rows = crossovers.map((one) => ({ cells: cellsOf(one).map((content) => ({ content })) }));
  return html`<section id="crossovers" aria-labelledby="h-crossovers"><h2 id="h-crossovers">Networks or radiomics</h2>
<p class="lead">From which N on the mean test AUROC of networks stays above that of logistic regressions on radiomics; of both, what validation prefers at each N and seed. The picture is under <a href="#${figure.id}">AUROC against N</a>. Intervals are over seeds (subsets and initial weights), paired where both have the same; they do not contain the uncertainty from the test patients.</p>
${dataTable('N from which on networks are ahead of radiomics', columns, rows)}</section>`;
}

function cellsOf({ panel, networks, crossover }: SourceCrossover): string[] {
  if (!crossover.answered) return [panel, networks, '–', '', '', crossover.why];
  const { from, range, method } = crossover;
  const ahead = { at: count(from.n), below: `every N from ${count(range.from)}`, above: 'no N' }[from.kind];
  const read =
    method === 'curves' ? 'fitted inverse power laws' : 'straight lines in log N between the means';
  return [panel, networks, ahead, intervalText(crossover), count(range.to), read];
}
