import { groupBy } from '../../base/group-by.js';
import type { FailedRow } from '../../sweep/ledger.js';
import type { ReportContext } from '../context.js';
import { count, counted } from '../format.js';
import { html, type Markup } from '../markup.js';

const EXAMPLES = 3;
const MOST_GROUPS = 50;

/** Failed trials by what went wrong; messages that differ in numbers only are one group. */
export function failuresSection({ experiment: { failed } }: ReportContext): Markup {
  const heading = html`<h2 id="h-failures">Failed trials</h2>`;
  if (failed.length === 0) {
    return html`<section id="failures" aria-labelledby="h-failures">${heading}<p class="empty">None: every trial that ran finished.</p></section>`;
  }
  const groups = [
    ...groupBy(failed, ({ error }) => `${error.code} ${error.message.replace(/\d[\d.e+-]*/g, '#')}`).values(),
  ];
  groups.sort((a, b) => b.length - a.length);
  const more = groups.length - MOST_GROUPS;
  return html`<section id="failures" aria-labelledby="h-failures">${heading}
<p class="lead">${counted(failed.length, 'trial')} failed and ${failed.length === 1 ? 'is' : 'are'} in no figure or mean. <code>--retry-failed</code> runs ${failed.length === 1 ? 'it' : 'them'} again.</p>
${groups.slice(0, MOST_GROUPS).map(failureGroup)}${more > 0 && html`<p>and ${counted(more, 'further kind')} of failure, in trials.csv</p>`}</section>`;
}

function failureGroup(group: readonly FailedRow[]): Markup {
  const { error } = group[0]!;
  return html`<article class="failure"><h3><span class="code">${error.code}</span> ${counted(group.length, 'trial')}</h3>
<p class="message">${error.message}</p>
<details><summary>${group.length > EXAMPLES ? `${EXAMPLES} of ${count(group.length)} trials` : counted(group.length, 'trial')} with ${group.length === 1 ? 'its' : 'their'} spec</summary>${group.slice(0, EXAMPLES).map(example)}</details></article>`;
}

function example({ trial, host, attempt, error, spec }: FailedRow): Markup {
  const step = error.step === undefined ? '' : `, at step ${count(error.step)}`;
  return html`<p><code>${trial}</code> on ${host}, try ${attempt}${step}: ${error.message}</p><pre>${JSON.stringify(spec, null, 1)}</pre>`;
}
