import type { DrawnFigure } from '../figures.js';
import { type Content, html, type Markup, trusted } from '../markup.js';

/** A drawn figure with its legend, caption and the file it is also saved as. */
export function figureMarkup(drawn: DrawnFigure, caption: Content, numbers: Markup): Markup {
  const several = drawn.panels.length > 1;
  const panels = drawn.panels.map(({ title, chart, narrow }) => {
    const wide = html`<div class="chart${narrow === undefined ? '' : ' wide'}">${trusted(forPage(chart.svg))}</div>`;
    const small =
      narrow !== undefined && html`<div class="chart narrow">${trusted(forPage(narrow.svg))}</div>`;
    return html`<div class="panel" data-panel="${title}">${several && html`<h4>${title}</h4>`}${wide}${small}</div>`;
  });
  return html`<div class="plot" id="${drawn.id}"><h3>${drawn.title}</h3>
<figure>${legend(drawn)}<div class="panels p${Math.min(3, drawn.panels.length)}">${panels}</div>
<figcaption>${caption} <a href="figures/${drawn.id}.svg">SVG file</a></figcaption></figure>
<details class="numbers"><summary>Numbers of this figure</summary>${numbers}</details></div>`;
}

function legend({ legend: entries }: DrawnFigure): Markup | false {
  if (entries.length < 2) return false;
  return html`<ul class="legend">${entries.map(({ name, key }) => html`<li>${trusted(key)}${name}</li>`)}</ul>`;
}

/** Inline SVG needs no namespace. */
function forPage(svg: string): string {
  return svg.replace(' xmlns="http://www.w3.org/2000/svg"', '');
}
