import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { messageOf, ThawError } from '../base/errors.js';

export type ConfigPath = readonly (string | number)[];

/** What is wrong with the value (or, with `at: 'key'`, the key) at a path of the config. */
export interface ConfigMistake {
  readonly path: ConfigPath;
  readonly message: string;
  readonly at?: 'key';
}

interface PlacedMistake {
  readonly offset: number;
  readonly line: string;
}

/** `grid.lr[2]`, the form in which paths are shown and that `--set` takes. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/**
 * The text of a config with the position of everything in it, so that a mistake found later in the plain value is
 * reported where the user wrote it: in the file, or in the `--set` option that it came from.
 */
export class ConfigText {
  private readonly lines = new LineCounter();
  private readonly document: Document;
  private readonly mistakes: PlacedMistake[] = [];
  /** Nodes that an option brought, with the option's text. */
  private readonly options = new WeakMap<Node, string>();

  constructor(
    text: string,
    private readonly file: string,
  ) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, merge: true });
    for (const fault of [...this.document.errors, ...this.document.warnings]) {
      this.place(fault.pos[0], `${fault.message}.`);
    }
    if (this.mistakes.length > 0) this.throwMistakes();
  }

  /** Applies one `--set path=value`; the value is YAML, the path is dotted with list indices (`grid.lr[0]` or `grid.lr.0`). */
  set(assignment: string): void {
    const option = `--set ${assignment}`;
    const equals = assignment.indexOf('=');
    const path = assignment
      .slice(0, Math.max(equals, 0))
      .replaceAll(/\[(\d+)\]/g, '.$1')
      .split('.');
    if (path.some((part) => part.trim() === '')) {
      this.placeOption(option, `expected path=value, received '${assignment}'.`);
      return;
    }
    const parsed = parseDocument(assignment.slice(equals + 1), { prettyErrors: false, merge: true });
    const [fault] = [...parsed.errors, ...parsed.warnings];
    if (fault !== undefined) {
      this.placeOption(option, `${fault.message}.`);
      return;
    }
    const value = isNode(parsed.contents) ? parsed.contents : new Scalar(null);
    visit(value, { Node: (_, node) => void this.options.set(node, option) });
    const problem = this.assign(path, value, option);
    if (problem !== undefined) this.placeOption(option, problem);
  }

  /** Replaces `${NAME}` and `${NAME:-default}` in string values by environment variables; `$${` stands for `${`. */
  interpolate(environment: Readonly<Record<string, string | undefined>>): void {
    visit(this.document, {
      Scalar: (key, node, ancestors) => {
        if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
        node.value = node.value.replaceAll(
          /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
          (whole, escaped: string | undefined, name: string, fallback: string | undefined) => {
            if (escaped !== undefined) return escaped;
            const value = environment[name];
            if (value !== undefined && (value !== '' || fallback === undefined)) return value;
            if (fallback === undefined) {
              const path = formatPath(pathWithin(ancestors, node));
              this.placeNode(node, `${path}: the environment variable ${name} is not set.`);
            }
            return fallback ?? whole;
          },
        );
      },
    });
  }

  /** The plain value of the whole text. */
  value(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: 1000 }) ?? {};
    } catch (cause) {
      throw new ThawError('CONFIG', `${messageOf(cause)}.`, { file: this.file, cause });
    }
  }

  /** Throws one ThawError CONFIG with one line for each mistake (here and found before), in the order of the text. */
  refuse(mistakes: readonly ConfigMistake[]): void {
    for (const mistake of mistakes) {
      const { node, shown } = this.locate(mistake);
      this.placeNode(node, `${shown === '' ? '' : `${shown}: `}${mistake.message}`);
    }
    if (this.mistakes.length > 0) this.throwMistakes();
  }

  private throwMistakes(): never {
    const lines = this.mistakes.toSorted((a, b) => a.offset - b.offset).map(({ line }) => line);
    throw new ThawError('CONFIG', [...new Set(lines)].join('\n'));
  }

  private place(offset: number, message: string): void {
    const { line, col } = this.lines.linePos(offset);
    this.mistakes.push({ offset, line: `${this.file}:${line}:${col}: ${message}` });
  }

  private placeOption(option: string, message: string): void {
    this.mistakes.push({ offset: Number.POSITIVE_INFINITY, line: `${option}: ${message}` });
  }

  private placeNode(node: Node | undefined, message: string): void {
    const option = node === undefined ? undefined : this.options.get(node);
    if (option === undefined) this.place(node?.range?.[0] ?? 0, message);
    else this.placeOption(option, message);
  }

  /**
   * The node to blame for a mistake, and its path without the parts that the text does not have (a word that stands for
   * `{kind: word}`, a value that stands for a list of one). A missing key is blamed on the key of its mapping.
   */
  private locate({ path, at }: ConfigMistake): { node: Node | undefined; shown: string } {
    let node = this.resolve(this.document.contents);
    let key: Node | undefined;
    for (const [depth, part] of path.entries()) {
      const parent = node;
      if (isMap(parent)) {
        const pair = pairOf(parent, part) ?? this.mergedPair(parent, part);
        if (pair === undefined) return { node: key ?? parent, shown: formatPath(path) };
        [key, node] = [pair.key as Node, this.resolve(pair.value) ?? (pair.key as Node)];
      } else if (isSeq(parent)) {
        const item = this.resolve(parent.items[Number(part)]);
        if (item === undefined) return { node: parent, shown: formatPath(path.slice(0, depth)) };
        [key, node] = [undefined, item];
      } else {
        return { node: parent, shown: formatPath(parent === undefined ? path : path.slice(0, depth)) };
      }
    }
    return { node: at === 'key' ? (key ?? node) : node, shown: formatPath(path) };
  }

  /** The pair that a merge key (`<<: *defaults`) brings into a mapping. */
  private mergedPair(map: YAMLMap, key: string | number): Pair | undefined {
    const merge = map.items.find((pair) => isScalar(pair.key) && pair.key.source === '<<');
    const merged = this.resolve(merge?.value);
    const sources = isSeq(merged) ? merged.items.map((item) => this.resolve(item)) : [merged];
    return sources.flatMap((source) => (isMap(source) ? (pairOf(source, key) ?? []) : []))[0];
  }

  private resolve(node: unknown): Node | undefined {
    const target = isAlias(node) ? node.resolve(this.document) : node;
    return isNode(target) ? target : undefined;
  }

  /** Puts `value` at `path`, making mappings on the way; returns what stands in the way, if something does. */
  private assign(path: readonly string[], value: Node, option: string): string | undefined {
    const emptyMap = (): Node => {
      const map = this.document.createNode({});
      this.options.set(map, option);
      return map;
    };
    if (!isMap(this.document.contents)) this.document.contents = emptyMap() as typeof this.document.contents;
    let parent: unknown = this.document.contents;
    for (const [depth, part] of path.entries()) {
      const child = depth === path.length - 1 ? value : undefined;
      if (isMap(parent)) {
        const pair = pairOf(parent, part);
        const kept = child ?? this.editable(pair?.value) ?? emptyMap();
        if (pair !== undefined) pair.value = kept;
        else parent.add(this.newPair(part, kept, option));
        parent = kept;
      } else if (isSeq(parent)) {
        const index = Number(part);
        if (!(Number.isInteger(index) && index < parent.items.length)) {
          return `expected an index from 0 to ${parent.items.length - 1}, received '${part}'.`;
        }
        parent.items[index] = child ?? this.editable(parent.items[index]) ?? emptyMap();
        parent = parent.items[index];
      } else {
        return `expected ${path.slice(0, depth).join('.')} to be a mapping or a list, received ${String(parent)}.`;
      }
    }
    return undefined;
  }

  /** A collection or scalar that may be changed without changing another place of the text; undefined for nothing. */
  private editable(node: unknown): Node | undefined {
    const target = this.resolve(node);
    if (target === undefined || (isScalar(target) && target.value === null)) return undefined;
    return isAlias(node) ? (target.clone() as Node) : target;
  }

  private newPair(key: string, value: Node, option: string): Pair<Node, Node> {
    const pair = this.document.createPair(key, value) as Pair<Node, Node>;
    this.options.set(pair.key, option);
    return pair;
  }
}

function pairOf(map: YAMLMap, key: string | number): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

/** Keys and indices that lead to a node, from the nodes and pairs around it. */
function pathWithin(ancestors: readonly unknown[], node: Node): ConfigPath {
  return [...ancestors, node].flatMap((part, depth, chain): ConfigPath => {
    const parent = chain[depth - 1];
    if (isPair(part)) return [String(isScalar(part.key) ? part.key.value : part.key)];
    return isSeq(parent) ? [parent.items.indexOf(part)] : [];
  });
}
