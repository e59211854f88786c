import { ThawError } from '../../base/errors.js';
import { POOLED, prefixOf } from '../cut.js';
import { listNames } from '../fault.js';
import type { Graph, Parameter } from '../graph.js';
import { formatShape } from '../shapes.js';

export interface WeightMatch {
  /** The graph with the file's weights; without its head where the file has none that fits. */
  readonly graph: Graph;
  readonly matched: readonly string[];
  /** Parameters of the graph that the file lacks; only a head's may be among them. */
  readonly missing: readonly string[];
  /** Tensors of the file that the graph has no place for. */
  readonly unexpected: readonly string[];
  /** What the user should know, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts the tensors of a weight file into the parameters of the same name of a graph. A `module.` prefix (PyTorch's data
 * parallel wrapper) is taken off. A head that is absent or of another width is dropped: the graph then ends at `pooled`.
 * Throws MODEL, naming the tensors, when a parameter of the backbone is missing or of another shape.
 */
export function matchWeights(graph: Graph, file: ReadonlyMap<string, Parameter>, path: string): WeightMatch {
  const tensors = new Map([...file].map(([name, parameter]) => [name.replace(/^module\./, ''), parameter]));
  const features = prefixOf(graph, POOLED);
  expectBackbone(features, tensors, path);
  const head = [...graph.parameters.keys()].filter((name) => !features.parameters.has(name));
  const unfit = head.filter((name) => !fits(graph.parameters.get(name), tensors.get(name)));
  const kept = unfit.length === 0 ? graph : features;
  const parameters = new Map(
    [...kept.parameters.keys()].map((name) => [name, tensors.get(name) as Parameter]),
  );
  const matched = [...parameters.keys()];
  const missing = [...graph.parameters.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !graph.parameters.has(name));
  const notes = [`${matched.length} tensors of the file are used`];
  if (unfit.length > 0) notes.push(droppedHead(graph, tensors, unfit));
  if (unexpected.length > 0) {
    notes.push(
      `${unexpected.length} tensors of the file have no place in ${graph.name}: ${listNames(unexpected)}`,
    );
  }
  return { graph: { ...kept, parameters }, matched, missing, unexpected, notes };
}

function expectBackbone(features: Graph, tensors: ReadonlyMap<string, Parameter>, file: string): void {
  const missing = [...features.parameters.keys()].filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    const summary = `lacks ${missing.length} tensors of the ${features.name} backbone: ${listNames(missing)}.`;
    throw new ThawError('MODEL', summary, {
      file,
      hint: `The file has ${listNames([...tensors.keys()], 4)}: check the card's architecture.`,
    });
  }
  for (const [name, wanted] of features.parameters) {
    const found = tensors.get(name);
    if (found === undefined || fits(wanted, found)) continue;
    const summary = `expects a tensor ${formatShape(wanted.shape)}, received ${formatShape(found.shape)}.`;
    throw new ThawError('MODEL', summary, {
      file,
      node: name,
      hint: "Check the card's architecture and its number of input channels.",
    });
  }
}

function droppedHead(
  graph: Graph,
  tensors: ReadonlyMap<string, Parameter>,
  unfit: readonly string[],
): string {
  const shown = unfit.map((name) => {
    const found = tensors.get(name);
    const wanted = formatShape(graph.parameters.get(name)?.shape ?? []);
    return found === undefined
      ? `${name} is absent`
      : `${name} is ${formatShape(found.shape)}, not ${wanted}`;
  });
  return `the classifier was dropped (${shown.join('; ')})`;
}

function fits(wanted: Parameter | undefined, found: Parameter | undefined): boolean {
  return wanted !== undefined && found !== undefined && wanted.shape.join() === found.shape.join();
}
