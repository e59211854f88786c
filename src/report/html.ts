import type { ReportContext } from './context.js';
import { html, type Markup, trusted } from './markup.js';
import { SCRIPT } from './script.js';
import { claimsSection } from './sections/claims.js';
import { costSection } from './sections/cost.js';
import { crossoversSection } from './sections/crossovers.js';
import { curvesSection } from './sections/curves.js';
import { dataSection } from './sections/data.js';
import { failuresSection } from './sections/failures.js';
import { headerSection } from './sections/header.js';
import { keyResultsSection } from './sections/key-results.js';
import { labelsSection } from './sections/labels.js';
import { methodsSection } from './sections/methods.js';
import { resultsTableSection } from './sections/results-table.js';
import { trialsSection } from './sections/trials-table.js';
import { tuningSection } from './sections/tuning.js';
import { styleSheet } from './styles.js';

/** Nothing is ever fetched: style and script are in the page, and the browser is told to load nothing else. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The report as one self-contained HTML document. */
export function renderPage(context: ReportContext): string {
  const sections: readonly (readonly [id: string, title: string, section: Markup | false])[] = [
    ['results', 'Key results', keyResultsSection(context)],
    ['claims', 'Claims', claimsSection(context)],
    ['curves', 'AUROC against N', curvesSection(context)],
    ['crossovers', 'Radiomics', crossoversSection(context)],
    ['tuning', 'Tuning', tuningSection(context)],
    ['labels', 'Labels', labelsSection(context)],
    ['table', 'Table', resultsTableSection(context)],
    ['cost', 'Time', costSection(context)],
    ['data', 'Data', dataSection(context)],
    ['failures', 'Failures', failuresSection(context)],
    ['trials', 'Trials', trialsSection(context)],
    ['methods', 'Methods', methodsSection(context)],
  ];
  const present = sections.filter(([, , section]) => section !== false);
  const links = present.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${context.name}: thaw report</title>
<style>${trusted(styleSheet())}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
${headerSection(context)}
<nav class="nav" aria-label="Sections"><ul>${links}</ul></nav>
<main id="main">
${present.map(([, , section]) => section)}
</main>
<footer class="foot">Made by thaw. This file is complete in itself and loads nothing from the network; figures for papers are in the folder figures beside it.</footer>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}
