import { ThawError } from '../../base/errors.js';

export interface FileNames {
  /** Name in the graph → name in the file, for every tensor of the file. */
  readonly byGraphName: ReadonlyMap<string, string>;
  /** What was done to the names, in words. */
  readonly notes: readonly string[];
}

/** A file is tried with at most this many prefixes, the shortest first. */
const MOST_PREFIXES = 256;

/**
 * What the tensors of a weight file are called in a torchvision network. Layers of a DenseNet that old files call `norm.1` are
 * `norm1`; a prefix that the network has in its file (`module.`, `model.`, `encoder.` or any other) is taken off: the one with
 * which the file has the most, and more than half, of the `wanted` names.
 * Throws MODEL when two prefixes have all of them, or when two tensors get one name.
 */
export function fileNames(names: readonly string[], wanted: ReadonlySet<string>, file: string): FileNames {
  const modern = new Map(names.map((name) => [name, modernName(name)]));
  const renamed = names.filter((name) => modern.get(name) !== name).length;
  const present = new Set(modern.values());
  const [first, second] = candidates(present, wanted)
    .map((prefix) => ({ prefix, count: countNames(present, wanted, prefix) }))
    .sort((a, b) => b.count - a.count || a.prefix.length - b.prefix.length);
  if (first !== undefined && second !== undefined && second.count === wanted.size) {
    const summary = `holds two networks that fit, under "${first.prefix}" and "${second.prefix}".`;
    throw new ThawError('MODEL', summary, { file, hint: 'Save the state dict of one of them alone.' });
  }
  const prefix = first !== undefined && 2 * first.count > wanted.size ? first.prefix : '';
  const byGraphName = new Map<string, string>();
  for (const [name, current] of modern) {
    const stripped = current.startsWith(prefix) ? current.slice(prefix.length) : current;
    const other = byGraphName.get(stripped);
    if (other !== undefined)
      throw new ThawError('MODEL', `has two tensors for ${stripped}: ${other} and ${name}.`, { file });
    byGraphName.set(stripped, name);
  }
  const notes: string[] = [];
  if (prefix !== '') notes.push(`the prefix "${prefix}" was taken off the names`);
  if (renamed > 0) notes.push(`${renamed} tensors have names of older DenseNet files (norm.1 for norm1)`);
  return { byGraphName, notes };
}

/** torchvision's names until 2019 had a dot in the layers of a DenseNet. */
function modernName(name: string): string {
  return name.replace(/(\.denselayer\d+\.(?:norm|conv))\.([12])\./, '$1$2.');
}

/** Every prefix under which the file has the first or the last of the wanted names; the empty one is always tried. */
function candidates(present: ReadonlySet<string>, wanted: ReadonlySet<string>): string[] {
  const all = [...wanted];
  const prefixes = new Set(['']);
  for (const anchor of new Set([all[0], all.at(-1)])) {
    if (anchor === undefined) continue;
    for (const name of present) if (name.endsWith(`.${anchor}`)) prefixes.add(name.slice(0, -anchor.length));
  }
  return [...prefixes].sort((a, b) => a.length - b.length).slice(0, MOST_PREFIXES);
}

function countNames(present: ReadonlySet<string>, wanted: ReadonlySet<string>, prefix: string): number {
  let count = 0;
  for (const name of wanted) if (present.has(prefix + name)) count++;
  return count;
}
