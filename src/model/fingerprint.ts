import { contentId, sha256 } from '../base/hash.js';
import type { ModelCard } from './card.js';
import type { Graph, Node, Parameter } from './graph.js';
import { parameterNames } from './graph.js';

/**
 * Content address of what a model computes: structure and weights of its graph, and how pixels become its input. Names,
 * the order of nodes and of parameters, and where the file lies do not matter.
 */
export function modelFingerprint(graph: Graph, card: ModelCard): string {
  const tensors = new Map([[graph.input, 'input']]);
  const weights = new Map([...graph.parameters].map(([name, parameter]) => [name, parameterHash(parameter)]));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((tensor) => tensors.get(tensor));
    const parameters = parameterNames(node).map((name) => weights.get(name));
    tensors.set(node.output, contentId({ attributes: attributesOf(node), inputs, parameters }));
  }
  return contentId({
    output: tensors.get(graph.output),
    features: card.featureTensor === undefined ? null : tensors.get(card.featureTensor),
    input: card.input,
  });
}

function parameterHash({ shape, data }: Parameter): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `${shape.join('x')}:${sha256(bytes)}`;
}

/** All fields of a node that are not names; numbers as text, since JSON has no infinity. */
function attributesOf(node: Node): Record<string, string> {
  const names: readonly string[] = [
    'name',
    'inputs',
    'output',
    'weight',
    'bias',
    'scale',
    'mean',
    'variance',
  ];
  const attributes = Object.entries(node).filter(([key]) => !names.includes(key));
  const bias = node.op === 'conv2d' || node.op === 'linear' ? String(node.bias !== undefined) : '';
  return { ...Object.fromEntries(attributes.map(([key, value]) => [key, String(value)])), bias };
}
