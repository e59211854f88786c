import { adjustForMultiplicity } from '../stats/multiplicity.js';
import type { Claim } from '../sweep/claims-schema.js';
import { type ClaimPart, type ClaimTools, claimParts } from './claim-tests.js';
import type { Experiment } from './experiment.js';

export type { ClaimEffect, ClaimPart } from './claim-tests.js';

export type Verdict = 'supported' | 'contradicted' | 'undecided';

export interface ClaimResult {
  readonly name: string;
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** Two-sided, as it is and adjusted for all claims of the config (Holm). */
  readonly p: number;
  readonly adjustedP: number;
  /** All must hold for support; one that does not is enough for contradiction. */
  readonly parts: readonly ClaimPart[];
  /** The part that speaks most against support: the one that the verdict hangs on. */
  readonly deciding: ClaimPart;
}

export const DEFAULT_ALPHA = 0.05;

/**
 * Tests the claims of a config on what has finished. A claim about several tasks, sides or sizes is supported where each part is
 * (intersection-union: the largest p) and contradicted where one is, Bonferroni-corrected for their number; twice the smaller of
 * both, adjusted over all claims by Holm, is compared with alpha.
 */
export function evaluateClaims(
  claims: Readonly<Record<string, Claim>>,
  { panels }: Experiment,
  tools: ClaimTools,
): ClaimResult[] {
  const tested = Object.entries(claims).map(([name, claim]) => {
    const parts = partsOf(claim, panels, tools);
    const support = Math.max(...parts.map((part) => part.support));
    const contradiction = Math.min(1, parts.length * Math.min(...parts.map((part) => part.contradiction)));
    const p = Math.min(1, 2 * Math.min(support, contradiction));
    const holds = support < contradiction;
    const deciding = holds
      ? parts.reduce((worst, part) => (part.support > worst.support ? part : worst))
      : parts.reduce((worst, part) => (part.contradiction < worst.contradiction ? part : worst));
    return { name, claim, parts, p, holds, deciding };
  });
  return adjustForMultiplicity(tested, 'holm').map(
    ({ holds, adjustedP, name, claim, parts, p, deciding }) => {
      const verdict = adjustedP > tools.alpha ? 'undecided' : holds ? 'supported' : 'contradicted';
      return { name, claim, verdict, p, adjustedP, parts, deciding };
    },
  );
}

function partsOf(claim: Claim, panels: Experiment['panels'], tools: ClaimTools): ClaimPart[] {
  const found = panels
    .map((panel) => ({ panel, parts: claimParts(claim, panel, tools) }))
    .filter(({ parts }) => parts.some(({ trials }) => trials.length > 0));
  if (found.length === 0) return [NOTHING];
  return found.flatMap(({ panel, parts }) =>
    parts.map((part) => (found.length > 1 ? { ...part, about: [panel.title, ...part.about] } : part)),
  );
}

const NOTHING: ClaimPart = {
  about: [],
  effect: null,
  support: 1,
  contradiction: 1,
  reason: 'no finished trials are on all of its sides',
  seeds: 0,
  sizes: [],
  over: null,
  detectable: null,
  trials: [],
};
