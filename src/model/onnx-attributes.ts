import { ThawError } from '../base/errors.js';
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  toNumber,
} from './onnx-proto.js';

/** A node as the file has it, with a name of its own and attributes that note what was read of them. */
export interface SourceNode {
  readonly name: string;
  /** Operator type, with its domain where that is not ONNX's own. */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Nodes of an ONNX graph; those without a name are named after their operator and place. */
export function sourceNodes(nodes: readonly NodeProto[]): SourceNode[] {
  const taken = new Set<string>();
  return nodes.map((node, index) => {
    const wanted = node.name || `${node.opType}_${index}`;
    const name = taken.has(wanted) ? `${wanted}#${index}` : wanted;
    taken.add(name);
    const standard = node.domain === '' || node.domain === 'ai.onnx';
    const op = standard ? node.opType : `${node.domain}.${node.opType}`;
    return { name, op, inputs: node.input, outputs: node.output, attributes: new Attributes(node, name) };
  });
}

export function nodeFault(
  node: Pick<SourceNode, 'name' | 'op'>,
  summary: string,
  details: { readonly hint?: string; readonly cause?: unknown } = {},
): ThawError {
  return new ThawError('MODEL', `${node.op} ${summary}`, { node: node.name, ...details });
}

/**
 * The attributes of one node. Every reader that converts a node asks for all attributes it understands; what is left
 * then is not supported and refused, so that no attribute is ever ignored in silence.
 */
export class Attributes {
  private readonly unread: Map<string, AttributeProto>;
  private readonly node: { readonly name: string; readonly op: string };

  constructor(node: NodeProto, name: string) {
    this.node = { name, op: node.opType };
    this.unread = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  }

  has(name: string): boolean {
    return this.unread.has(name);
  }

  int(name: string, fallback: number): number {
    const attribute = this.take(name, ATTRIBUTE_TYPE.int, 'an integer');
    return attribute === undefined ? fallback : toNumber(attribute.i);
  }

  ints(name: string): readonly number[] | undefined {
    return this.take(name, ATTRIBUTE_TYPE.ints, 'integers')?.ints.map(toNumber);
  }

  float(name: string, fallback: number): number {
    return this.take(name, ATTRIBUTE_TYPE.float, 'a number')?.f ?? fallback;
  }

  floats(name: string): readonly number[] | undefined {
    return this.take(name, ATTRIBUTE_TYPE.floats, 'numbers')?.floats;
  }

  text(name: string, fallback: string): string {
    const attribute = this.take(name, ATTRIBUTE_TYPE.string, 'a text');
    return attribute === undefined ? fallback : new TextDecoder().decode(attribute.s);
  }

  tensor(name: string): TensorProto | undefined {
    return this.take(name, ATTRIBUTE_TYPE.tensor, 'a tensor')?.t ?? undefined;
  }

  /** Throws MODEL when an attribute has another value than the one that is supported. */
  expectInt(name: string, supported: number, fallback = supported): void {
    const value = this.int(name, fallback);
    if (value !== supported)
      throw nodeFault(this.node, `expects its attribute "${name}" to be ${supported}, received ${value}.`);
  }

  /** Throws MODEL when there are attributes that nobody has asked for. */
  expectAllRead(): void {
    const [name] = this.unread.keys();
    if (name !== undefined)
      throw nodeFault(this.node, `has the attribute "${name}", which is not supported.`);
  }

  private take(name: string, type: number, words: string): AttributeProto | undefined {
    const attribute = this.unread.get(name);
    if (attribute === undefined) return undefined;
    if (attribute.type !== type) {
      const summary = `expects its attribute "${name}" to be ${words}, received attribute type ${attribute.type}.`;
      throw nodeFault(this.node, summary);
    }
    this.unread.delete(name);
    return attribute;
  }
}
