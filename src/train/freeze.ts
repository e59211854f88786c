import { ThawError } from '../base/errors.js';
import type { Strategy } from './trial.js';

/** Strategies that train layers of the backbone, in the engine's Network. */
export type NetworkStrategy = Exclude<Strategy, 'extractor' | 'regression'>;

/** From step round(at · steps) on, every stage from `from` on is trained; the stage by its name or number. */
export interface Unfreezing {
  readonly from: string;
  readonly at: number;
}

/** What a strategy trains when, before the network's stages are known. The head is always trained. */
export type FreezeRule =
  | { readonly kind: 'all' }
  /** This stage and all behind it. */
  | { readonly kind: 'from'; readonly stage: string }
  /** This stage alone (Lee et al., "Surgical fine-tuning", ICLR 2023). */
  | { readonly kind: 'only'; readonly stage: string }
  /** The head at first, then more and more of the backbone from its end on. */
  | { readonly kind: 'gradual'; readonly unfreezings: readonly Unfreezing[] }
  /** The head in the first epoch, one stage more in every epoch (Howard & Ruder, "ULMFiT", ACL 2018). */
  | { readonly kind: 'stage-an-epoch' }
  /**
   * The head, then one stage more in every phase; phases are equally long. As ULMFiT's authors unfreeze by one call of their
   * training loop for each group, with a schedule of its own each.
   */
  | { readonly kind: 'equal-phases' }
  /** The head for this part of the steps, then everything (Kumar et al., ICLR 2022). */
  | { readonly kind: 'probe'; readonly part: number };

export const STRATEGY_FORMS =
  'extractor, last-block, full, none, stage:STAGE, surgical:STAGE, gradual, gradual:STAGE@PART,…, progressive, ulmfit, auto-rgn, lp-ft or lp-ft:PART';

/** The stage at which the second half of the backbone's stages begins. */
const HALF = 'half';
/** As Romero et al. 2020: the head; the second half from 10 %, all from 20 % of the iterations. */
const PAPER: readonly Unfreezing[] = [
  { from: HALF, at: 0.1 },
  { from: '0', at: 0.2 },
];
const PROBE_PART = 0.5;
const STAGE = /^[A-Za-z0-9_.-]+$/;

/** The rule of a strategy; undefined for `extractor`, and for a word that is no strategy. */
export function freezeRule(strategy: string): FreezeRule | undefined {
  const [word = '', ...rest] = strategy.split(':');
  const given = rest.length === 0 ? undefined : rest.join(':');
  switch (word) {
    case 'last-block':
    case 'full':
    case 'none':
    case 'auto-rgn':
      return given === undefined ? { kind: 'all' } : undefined;
    case 'ulmfit':
      return given === undefined ? { kind: 'stage-an-epoch' } : undefined;
    case 'progressive':
      return given === undefined ? { kind: 'equal-phases' } : undefined;
    case 'stage':
    case 'surgical':
      if (given === undefined || !STAGE.test(given)) return undefined;
      return { kind: word === 'stage' ? 'from' : 'only', stage: given };
    case 'lp-ft': {
      const part = given === undefined ? PROBE_PART : partOf(given);
      return part === undefined ? undefined : { kind: 'probe', part };
    }
    case 'gradual': {
      const unfreezings = given === undefined ? PAPER : unfreezingsOf(given);
      return unfreezings === undefined ? undefined : { kind: 'gradual', unfreezings };
    }
    default:
      return undefined;
  }
}

function partOf(text: string): number | undefined {
  const part = Number(text);
  return text.trim() !== '' && part > 0 && part < 1 ? part : undefined;
}

function unfreezingsOf(text: string): Unfreezing[] | undefined {
  const unfreezings: Unfreezing[] = [];
  for (const item of text.split(',')) {
    const [from = '', part = '', ...more] = item.split('@');
    const at = partOf(part);
    const isLater = unfreezings.every((earlier) => at !== undefined && earlier.at < at);
    if (more.length > 0 || !STAGE.test(from) || at === undefined || !isLater) return undefined;
    unfreezings.push({ from, at });
  }
  return unfreezings;
}

/**
 * The freeze plan of a strategy: [steps] bit s = stage s is trained in that step. `stages` are the names of the network's own
 * stages in order, its head last; what lies before a strategy's cut is frozen throughout and not among them. Throws MODEL for
 * a stage that the network does not have.
 */
export function freezePlan(
  strategy: NetworkStrategy,
  stages: readonly string[],
  totalSteps: number,
  stepsPerEpoch: number,
): Uint32Array {
  const rule = freezeRule(strategy);
  if (rule === undefined)
    throw new ThawError('CONFIG', `expected ${STRATEGY_FORMS}, received '${strategy}'.`, {
      node: 'strategy',
    });
  const head = stages.length - 1;
  const from = (stage: number) => (2 ** stages.length - 2 ** stage) >>> 0;
  const plan = new Uint32Array(totalSteps);
  switch (rule.kind) {
    case 'all':
      return plan.fill(from(0));
    case 'from':
      return plan.fill(from(stageIndex(rule.stage, stages, strategy)));
    case 'only':
      return plan.fill((2 ** stageIndex(rule.stage, stages, strategy) + 2 ** head) >>> 0);
    case 'probe':
      return plan.fill(from(0)).fill(from(head), 0, Math.round(rule.part * totalSteps));
    case 'stage-an-epoch':
      return plan.map((_, step) => from(Math.max(0, head - Math.floor(step / stepsPerEpoch))));
    case 'equal-phases':
      return plan.map((_, step) => from(head - Math.floor((step * stages.length) / totalSteps)));
    case 'gradual': {
      plan.fill(from(head));
      for (const { from: stage, at } of rule.unfreezings)
        plan.fill(from(stageIndex(stage, stages, strategy)), Math.round(at * totalSteps));
      return plan;
    }
  }
}

/** Where the second half of the backbone's stages begins: block3 of stem, block1 … block4. */
export function halfOf(stages: readonly string[]): number {
  return Math.ceil((stages.length - 1) / 2);
}

function stageIndex(stage: string, stages: readonly string[], strategy: string): number {
  if (stage === HALF) return halfOf(stages);
  const named = stages.indexOf(stage);
  const index = named >= 0 ? named : /^\d+$/.test(stage) ? Number(stage) : -1;
  if (index >= 0 && index < stages.length - 1) return index;
  throw new ThawError('MODEL', `the network has no stage "${stage}", which \`${strategy}\` names.`, {
    node: stage,
    hint: `Its stages: ${stages.slice(0, -1).join(', ')} (0 to ${stages.length - 2}).`,
  });
}

/**
 * [stages] factors of the learning rate: a number is that of a stage to the one behind it; a list has one for each stage, or
 * three for the first and the second half of the backbone and the head. Throws CONFIG for a list of another length.
 */
export function stageFactors(
  discriminative: number | readonly number[],
  stages: readonly string[],
): readonly number[] {
  const head = stages.length - 1;
  if (typeof discriminative === 'number') return stages.map((_, stage) => discriminative ** (head - stage));
  if (discriminative.length === stages.length) return discriminative;
  const [first, second, last] = discriminative;
  if (discriminative.length === 3 && first !== undefined && second !== undefined && last !== undefined)
    return stages.map((_, stage) => (stage === head ? last : stage < halfOf(stages) ? first : second));
  throw new ThawError(
    'CONFIG',
    `expected 3 or ${stages.length} factors, received ${discriminative.length}.`,
    {
      node: 'discriminative',
      hint: `One for each of ${stages.join(', ')}, or one for each half of the backbone and one for the head.`,
    },
  );
}

/** Where the trained stages change: [first, end) of the steps that train the same ones. */
export function phasesOf(plan: Uint32Array): readonly (readonly [first: number, end: number])[] {
  const phases: [number, number][] = [];
  for (let step = 0; step < plan.length; step++) {
    const last = phases.at(-1);
    if (last !== undefined && plan[step] === plan[step - 1]) last[1] = step + 1;
    else phases.push([step, step + 1]);
  }
  return phases;
}
