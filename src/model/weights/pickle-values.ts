import { ThawError } from '../../base/errors.js';

/** A tuple; lists are arrays, dicts are maps, sets are sets, long integers that are not safe are bigints. */
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}

/** A dict whose instance may carry attributes, which are ignored. */
export class OrderedDict extends Map<unknown, unknown> {}

/** `module.name` of Python, which a pickle mentions; without `call` it may only be mentioned. */
export class PickleName {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** What a value is, for messages; never its content at length. */
export function describe(value: unknown): string {
  if (value === null) return 'None';
  if (value instanceof PickleName) return value.name;
  if (value instanceof Tuple) return 'a tuple';
  if (value instanceof Map) return 'a dict';
  if (value instanceof Set) return 'a set';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'object') return 'a tensor';
  return `a ${typeof value}`;
}

/** Python's own containers that are made by a call; every pickle may. */
export const CONTAINERS = [
  new PickleName('collections.OrderedDict', orderedDict),
  ...['builtins.set', 'builtins.frozenset', '__builtin__.set', '__builtin__.frozenset'].map(
    (name) => new PickleName(name, (args) => new Set(itemsOf(args))),
  ),
];

/** Puts keys and values, in turns, into a dict. */
export function filled(map: Map<unknown, unknown>, items: readonly unknown[]): Map<unknown, unknown> {
  if (items.length % 2 !== 0) throw pickleFault('sets a key without a value');
  for (let index = 0; index < items.length; index += 2) map.set(items[index], items[index + 1]);
  return map;
}

/** The one argument of a container's constructor. */
function itemsOf(args: readonly unknown[]): readonly unknown[] {
  const [items = []] = args;
  if (args.length > 1 || !Array.isArray(items))
    throw pickleFault(`makes a container of something else than one list`);
  return items;
}

function orderedDict(args: readonly unknown[]): OrderedDict {
  const pairs = itemsOf(args).flatMap((pair) => {
    const both = pair instanceof Tuple ? pair.items : pair;
    if (!Array.isArray(both) || both.length !== 2)
      throw pickleFault(`makes a dict of something else than pairs`);
    return both as unknown[];
  });
  return filled(new OrderedDict(), pairs) as OrderedDict;
}

/** A pickle that no writer makes. */
export function pickleFault(what: string): ThawError {
  return new ThawError('MODEL', `the pickle ${what}.`, { hint: 'The file is damaged: fetch it again.' });
}
