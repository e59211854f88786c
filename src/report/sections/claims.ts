import { sizeBoundText } from '../../stats/curve-answers.js';
import { type ClaimPart, type ClaimResult, DEFAULT_ALPHA, type Verdict } from '../claims.js';
import type { ReportContext } from '../context.js';
import { count, counted } from '../format.js';
import { type Content, html, type Markup } from '../markup.js';
import { dataTable } from '../table.js';

const WORDS: Readonly<Record<Verdict, string>> = {
  supported: '✓ supported',
  contradicted: '✗ contradicted',
  undecided: '? undecided',
};

/** The statements of the config with what the trials say about each. */
export function claimsSection({ claims, alpha = DEFAULT_ALPHA }: ReportContext): Markup | false {
  if (claims.length === 0) return false;
  const level = `${Number((100 * (1 - alpha)).toPrecision(3))} %`;
  const columns = [
    { title: 'Claim' },
    { title: 'Verdict' },
    { title: 'Effect' },
    { title: `${level} interval` },
    { title: 'p (Holm)', numeric: true },
    { title: 'Detectable' },
    { title: 'Rests on' },
  ];
  const rows = claims.map((result) => ({ cells: cellsOf(result).map((content) => ({ content })) }));
  const several = claims.filter(({ parts }) => parts.length > 1);
  return html`<section id="claims" aria-labelledby="h-claims"><h2 id="h-claims">Claims</h2>
<p class="lead">Each statement of the config is bound to a test and is supported, contradicted, or undecided where the data allow neither (which is no evidence against it). All ${counted(claims.length, 'claim')} together are tested at ${alpha} (Holm); an interval is that of its own claim. “Detectable” is the difference from the margin that such data would find in 80 % of studies: an undecided claim whose detectable effect is large was not put to a test.</p>
${dataTable('Claims and what the trials say about them', columns, rows)}
${several.map(partsMarkup)}</section>`;
}

function cellsOf({ name, claim, verdict, adjustedP, parts, deciding }: ClaimResult): Content[] {
  const says = claim.says === undefined ? false : html`<br>${claim.says}`;
  const more = parts.length > 1 && html`<br><small>of ${parts.length}: ${deciding.about.join(', ')}</small>`;
  const why = deciding.reason !== undefined && html`<br><small>${deciding.reason}</small>`;
  return [
    html`<b>${name}</b>${says}<br><small>${ruleText(claim)}</small>`,
    html`<b class="verdict ${verdict}">${WORDS[verdict]}</b>${why}`,
    html`${effectText(deciding)}${more}`,
    intervalText(deciding),
    pText(adjustedP),
    detectableText(deciding),
    basisText(deciding, new Set(parts.flatMap(({ trials }) => trials)).size),
  ];
}

/** What the test asks, from the config. */
export function ruleText(claim: ClaimResult['claim']): string {
  const where = claim.where === undefined ? '' : `, where ${claim.where}`;
  const chosen = claim.choose === 'mean' ? ' (mean of the trials of a side)' : '';
  switch (claim.kind) {
    case 'comparison':
      return `${claim.side} ${expectText(claim)} ${claim.against.join(' and than ')}${where}${chosen}`;
    case 'contrast': {
      const sum = claim.terms.map(
        ({ weight, side }) => `${weight > 0 ? '+' : '−'} ${Math.abs(weight)} × (${side})`,
      );
      return `${sum.join(' ')} ${expectText(claim)} 0${where}${chosen}`;
    }
    case 'threshold':
      return `${claim.side.join(' and ')} ${claim.expect} than ${claim.than}${eachText(claim)}${where}${chosen}`;
    case 'crossover':
      return `${claim.side} overtakes ${claim.against.join(' and ')} between N = ${count(claim.between[0])} and ${count(claim.between[1])}${where}${chosen}`;
    case 'plateau':
      return `${claim.side} within ${claim.within} of its plateau by N = ${count(claim.by)}${where}${chosen}`;
  }
}

type Difference = Extract<ClaimResult['claim'], { kind: 'comparison' | 'contrast' }>;

function expectText({ expect, margin, at }: Difference): string {
  const each = eachText({ at });
  switch (expect) {
    case 'higher':
      return `${margin > 0 ? `more than ${margin} ` : ''}higher${each} than`;
    case 'lower':
      return `${margin > 0 ? `more than ${margin} ` : ''}lower${each} than`;
    case 'not-lower':
      return `no more than ${margin} lower${each} than`;
    case 'equal':
      return `within ${margin}${each} of`;
  }
}

function eachText({ at }: { readonly at: 'overall' | 'each' }): string {
  return at === 'each' ? ' at each N' : '';
}

function effectText({ effect }: ClaimPart): string {
  if (effect === null) return '–';
  return effect.unit === 'n' ? `N ${sizeBoundText(effect.value)}` : signed(effect.value);
}

function intervalText({ effect, over }: ClaimPart): Content {
  if (effect === null) return '–';
  const [low, high] =
    effect.unit === 'n'
      ? [effect.low, effect.high].map((bound) => (bound === null ? '–' : sizeBoundText(bound)))
      : [signed(effect.low), signed(effect.high)];
  if (low === '–') return 'none';
  return html`${low} to ${high}${over !== null && html`<br><small>over ${over}</small>`}`;
}

function detectableText({ detectable }: ClaimPart): string {
  return detectable === null ? '–' : detectable.toFixed(3);
}

function basisText({ seeds, sizes }: ClaimPart, trials: number): string {
  if (trials === 0) return 'nothing';
  const range = sizes.length > 3 ? `${sizes[0]} to ${sizes.at(-1)} (${sizes.length})` : sizes.join(', ');
  return `${counted(trials, 'trial')}: N ${range}; ${counted(seeds, 'seed')}`;
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(3);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** A claim about several tasks, sides or sizes, part by part. */
function partsMarkup({ name, parts }: ClaimResult): Markup {
  const columns = [
    { title: 'Part' },
    { title: 'Effect' },
    { title: 'Interval' },
    { title: 'p for', numeric: true },
    { title: 'p against', numeric: true },
    { title: 'Detectable' },
    { title: 'Rests on' },
  ];
  const rows = parts.map((part) => ({
    cells: [
      part.about.join(', '),
      part.reason ?? effectText(part),
      intervalText(part),
      pText(part.support),
      pText(part.contradiction),
      detectableText(part),
      basisText(part, part.trials.length),
    ].map((content) => ({ content })),
  }));
  return html`<details class="numbers"><summary>${name}: its ${parts.length} parts</summary>${dataTable(`Parts of the claim ${name}`, columns, rows)}</details>`;
}
