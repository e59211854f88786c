import { suggestion } from '../base/nearest.js';
import type { ConfigMistake, ConfigPath } from './config-text.js';
import { shown } from './schema-words.js';

type Tree = Readonly<Record<string, unknown>>;

/** The section that the values of an axis are names of. */
const SECTIONS = { dataset: 'data', task: 'tasks', source: 'sources' } as const;

/**
 * Names in `grid`, `zip`, `exclude` and `tasks.*.datasets` that no section defines, and axes given twice. Works on the
 * plain value before the schema has accepted it, so that all mistakes are found at once; wrong types are the schema's.
 */
export function referenceMistakes(config: unknown): ConfigMistake[] {
  const tree = treeOf(config);
  const places: { path: ConfigPath; entry: Tree }[] = [
    { path: ['grid'], entry: treeOf(tree.grid) },
    ...['zip', 'exclude'].flatMap((key) =>
      listOf(tree[key]).map((entry, index) => ({ path: [key, index], entry: treeOf(entry) })),
    ),
  ];
  const named = places.flatMap(({ path, entry }) =>
    Object.entries(SECTIONS).flatMap(([axis, section]) =>
      nameMistakes(entry[axis], [...path, axis], section, Object.keys(treeOf(tree[section]))),
    ),
  );
  const datasets = Object.keys(treeOf(tree.data));
  const restricted = Object.entries(treeOf(tree.tasks)).flatMap(([task, rule]) =>
    nameMistakes(treeOf(rule).datasets, ['tasks', task, 'datasets'], 'data', datasets),
  );
  return [...named, ...restricted, ...repeatedAxes(places.filter(({ path }) => path[0] !== 'exclude'))];
}

function nameMistakes(
  values: unknown,
  path: ConfigPath,
  section: string,
  known: readonly string[],
): ConfigMistake[] {
  return listOf(values).flatMap((name, index) => {
    if (typeof name !== 'string' || known.length === 0 || known.includes(name)) return [];
    const message = `expected a name from \`${section}\` (${known.join(', ')}), received ${shown(name)}.${suggestion(name, known)}`;
    return [{ path: [...path, index], message }];
  });
}

function repeatedAxes(places: readonly { path: ConfigPath; entry: Tree }[]): ConfigMistake[] {
  const first = new Map<string, string>();
  return places.flatMap(({ path, entry }) =>
    Object.keys(entry).flatMap((axis): ConfigMistake[] => {
      const earlier = first.get(axis);
      if (earlier === undefined) {
        first.set(axis, String(path[0]));
        return [];
      }
      const message = `expected each axis once, but ${axis} is in \`${earlier}\` already.`;
      return [{ path: [...path, axis], message, at: 'key' }];
    }),
  );
}

function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

/** A list, or the one value that stands for a list of it. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
