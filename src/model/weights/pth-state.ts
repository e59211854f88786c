import { ThawError } from '../../base/errors.js';
import { listNames } from '../fault.js';
import { describe } from './pickle-values.js';
import { TensorRef } from './pth-tensor.js';

/** Where training scripts keep the weights in their checkpoints, the likeliest first. */
const KEYS = ['state_dict', 'model_state_dict', 'model', 'net'];
/** A state dict lies at most this many dicts deep. */
const DEEPEST = 3;

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TensorRef>;
  /** Where it was found and what was left aside, in words. */
  readonly notes: readonly string[];
}

/**
 * The state dict in what a file of `torch.save` holds: the dict itself, or the one under `state_dict`, `model_state_dict`,
 * `model` or `net`. Entries that are no tensors are left aside. Throws MODEL, saying what is there, when there is none.
 */
export function findStateDict(root: unknown): StateDict {
  const path: string[] = [];
  let found = root;
  for (let depth = 1; depth < DEEPEST; depth++) {
    const inner = innerDict(found);
    if (inner === undefined) break;
    path.push(inner.key);
    found = inner.dict;
  }
  const tensors = new Map<string, TensorRef>();
  const others: string[] = [];
  if (found instanceof Map) {
    for (const [key, value] of found) {
      if (typeof key === 'string' && value instanceof TensorRef) tensors.set(key, value);
      else others.push(typeof key === 'string' ? key : describe(key));
    }
  }
  if (tensors.size === 0) {
    const keys = found instanceof Map ? ` with ${listNames(others, 4) || 'nothing in it'}` : '';
    throw new ThawError('MODEL', `expects a state dict, found ${describe(found)}${keys}.`, {
      hint: 'Save one: torch.save(model.state_dict(), "weights.pth").',
    });
  }
  const notes = path.length === 0 ? [] : [`the weights are those under "${path.join('.')}"`];
  if (others.length > 0) notes.push(`${others.length} entries are no tensors: ${listNames(others, 4)}`);
  return { tensors, notes };
}

function innerDict(value: unknown): { key: string; dict: Map<unknown, unknown> } | undefined {
  if (!(value instanceof Map)) return undefined;
  for (const key of KEYS) {
    const dict: unknown = value.get(key);
    if (dict instanceof Map && dict !== value) return { key, dict };
  }
  return undefined;
}
