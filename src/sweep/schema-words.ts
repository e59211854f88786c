import { z } from 'zod';
import { suggestion } from '../base/nearest.js';

/** The parts of a zod issue that the messages here are made from. */
interface Issue {
  readonly code?: string;
  readonly input?: unknown;
}

/** A value as a message quotes it. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}…` : value}'`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a mapping' : String(value);
}

/** The message of any mistake in a value: `expected a number above 0, received 'x'.` */
export function expected(what: string): { error: (issue: Issue) => string } {
  return { error: ({ input }) => `expected ${what}, received ${shown(input)}.` };
}

function oneOf(words: readonly string[], received: unknown): string {
  const hint = typeof received === 'string' ? suggestion(received, words) : '';
  return `expected ${words.length === 1 ? words[0] : `one of ${words.join(', ')}`}, received ${shown(received)}.${hint}`;
}

/** What stands between the known keys of a mapping in the message of its `unrecognized_keys` issue. */
const KEY_SEPARATOR = ', ';

/** The message for one unknown key, from the message of zod's one issue for all unknown keys of a mapping. */
export function unknownKey(key: string, issueMessage: string): string {
  return oneOf(issueMessage.split(KEY_SEPARATOR), key);
}

/** A mapping with exactly these keys. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(KEY_SEPARATOR);
  return z.strictObject(shape, {
    error: ({ code, input }) =>
      code === 'unrecognized_keys'
        ? keys
        : `expected a mapping with the keys ${keys}, received ${shown(input)}.`,
  });
}

export function words<const Words extends readonly string[]>(...known: Words) {
  return z.enum(known, { error: ({ input }) => oneOf(known, input) });
}

/** A mapping whose `kind` decides which other keys it has; a word alone stands for `{kind: word}`. */
export function byKind<const Options extends readonly [KindOption, ...KindOption[]]>(...options: Options) {
  const kinds = options.map((option) => String([...option.shape.kind.values][0]));
  const union = z.discriminatedUnion('kind', options, {
    error: ({ code, input }) =>
      oneOf(kinds, code === 'invalid_union' ? (input as { kind?: unknown }).kind : input),
  });
  return z.preprocess((value) => (typeof value === 'string' ? { kind: value } : value), union);
}
type KindOption = z.ZodObject<{ kind: z.ZodLiteral<string> } & z.ZodRawShape>;

/** A value whose shape decides which schema it must meet; mistakes are those of that schema alone. */
export function byShape<Schema extends z.ZodType>(schemaOf: (value: unknown) => Schema) {
  return z.unknown().transform((value, context): z.output<Schema> => {
    const parsed = schemaOf(value).safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: value } as never);
    return z.NEVER;
  });
}

export const text = z.string(expected('text')).min(1, expected('text'));
export const flag = z.boolean(expected('true or false'));

/** A number in a range; `what` says which, in the user's words. */
export function number(what: string, holds: (value: number) => boolean) {
  return z.number(expected(what)).refine(holds, expected(what));
}

export function whole(what: string, minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  return z.int(expected(what)).min(minimum, expected(what)).max(maximum, expected(what));
}

/** One value or a list of different ones. */
export function oneOrMore<Item extends z.ZodType>(item: Item) {
  const list = z.array(item, expected('a value or a list of values')).min(1, expected('at least one value'));
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), distinct(list));
}

/** A list in which no value (after defaults are filled in) comes twice. */
export function distinct<List extends z.ZodArray>(list: List) {
  return list.superRefine((values, context) => {
    const seen = new Set<string>();
    for (const [index, value] of values.entries()) {
      const form = JSON.stringify(value);
      if (seen.has(form)) {
        context.addIssue({
          code: 'custom',
          message: `expected each value once, received ${shown(value)} again.`,
          path: [index],
        });
      }
      seen.add(form);
    }
  });
}

/** Names of data sets, tasks and sources: they become file names, column values and filter words. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
export const name = z.string(expected('a name')).regex(NAME, expected('a name of letters, digits, - and _'));

/** A section `name: value` with at least one entry. */
export function named<Value extends z.ZodType>(what: string, value: Value) {
  return z
    .record(name, value, { error: (issue) => nameIssue(issue, what) })
    .refine((entries) => Object.keys(entries).length > 0, expected(`at least one of the ${what}`));
}

function nameIssue({ code, input }: Issue, what: string): string {
  if (code === 'invalid_key') return `expected a name of letters, digits, - and _, received ${shown(input)}.`;
  return `expected a mapping of names to ${what}, received ${shown(input)}.`;
}
