import { ThawError } from '../../base/errors.js';
import { POOLED, prefixOf } from '../cut.js';
import { listNames } from '../fault.js';
import type { Graph, Parameter } from '../graph.js';
import { formatShape } from '../shapes.js';
import type { ZooGraph } from '../zoo/options.js';
import { reordered, stemWeight, withChannels } from './adapt.js';
import { fileNames } from './names.js';

export interface WeightMatch {
  /** The graph with the file's weights; without its head where the file has none that fits. */
  readonly graph: Graph;
  readonly matched: readonly string[];
  /** Parameters of the graph that the file lacks; only a head's may be among them. */
  readonly missing: readonly string[];
  /** Tensors of the file that the graph has no place for; none of them is a layer of the backbone. */
  readonly unexpected: readonly string[];
  /** What the user should know, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts the tensors of a weight file into the parameters of the same name of a graph; names.ts says which names are the same.
 * A head that is absent or of another width is dropped: the graph then ends at `pooled`. The first convolution is converted
 * between one and three input channels (adapt.ts).
 * Throws MODEL, naming the tensors, when a parameter of the backbone is missing or of another shape, or the file has layers
 * that the backbone has not.
 */
export function matchWeights(
  graph: ZooGraph,
  file: ReadonlyMap<string, Parameter>,
  path: string,
): WeightMatch {
  const features = prefixOf(graph, POOLED);
  const names = fileNames([...file.keys()], new Set(features.parameters.keys()), path);
  const tensors = new Map(
    [...names.byGraphName].map(([name, given]) => [name, file.get(given) as Parameter]),
  );
  const notes = [...names.notes, ...convertStem(graph, tensors)];
  expectBackbone(features, tensors, path);
  expectNoOtherLayers(features, graph, tensors, path);
  const head = [...graph.parameters.keys()].filter((name) => !features.parameters.has(name));
  const unfit = head.filter((name) => !fits(graph.parameters.get(name), tensors.get(name)));
  const kept = unfit.length === 0 ? graph : features;
  const parameters = new Map(
    [...kept.parameters.keys()].map((name) => {
      const order = graph.channelOrder?.get(name);
      const tensor = tensors.get(name) as Parameter;
      return [name, order === undefined ? tensor : reordered(tensor, order)];
    }),
  );
  const matched = [...parameters.keys()];
  const missing = [...graph.parameters.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !graph.parameters.has(name));
  notes.unshift(`${matched.length} tensors of the file are used`);
  if (unfit.length > 0) notes.push(droppedHead(graph, tensors, unfit));
  if (unexpected.length > 0) {
    notes.push(
      `${unexpected.length} tensors of the file have no place in ${graph.name}: ${listNames(unexpected)}`,
    );
  }
  return { graph: { ...kept, parameters }, matched, missing, unexpected, notes };
}

/** Replaces the first convolution's weight where only its number of input channels differs; says so. */
function convertStem(graph: Graph, tensors: Map<string, Parameter>): string[] {
  const name = stemWeight(graph);
  const found = name === undefined ? undefined : tensors.get(name);
  const [, channels = 0] = graph.parameters.get(name ?? '')?.shape ?? [];
  const converted = found === undefined ? undefined : withChannels(found, channels);
  if (name === undefined || found === undefined || converted === undefined) return [];
  tensors.set(name, converted);
  const [, given] = found.shape;
  const rule =
    channels === 1
      ? 'summed over its input channels'
      : 'repeated for three input channels and divided by three';
  return [`${name} has ${given} input channel${given === 1 ? '' : 's'} in the file and was ${rule}`];
}

function expectBackbone(features: Graph, tensors: ReadonlyMap<string, Parameter>, file: string): void {
  const missing = [...features.parameters.keys()].filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    const summary = `lacks ${missing.length} tensors of the ${features.name} backbone: ${listNames(missing)}.`;
    throw new ThawError('MODEL', summary, { file, hint: hintFor([...tensors.keys()]) });
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

function hintFor(names: readonly string[]): string {
  if (names.some((name) => /(^|\.)stages\.\d+\.blocks\.\d+\.norm1\.weight$/.test(name)))
    return 'This looks like a pre-activation ResNet (resnetv2 of timm), another network: hand it in as .onnx.';
  return `The file has ${listNames(names, 4)}: check the card's architecture.`;
}

/** A deeper or otherwise richer network has all tensors of a plainer one, which computes something else with them. */
function expectNoOtherLayers(
  features: Graph,
  graph: Graph,
  tensors: ReadonlyMap<string, Parameter>,
  file: string,
): void {
  const parts = new Set([...features.parameters.keys()].map(partOf));
  const others = [...tensors.keys()].filter((name) => !graph.parameters.has(name) && parts.has(partOf(name)));
  if (others.length === 0) return;
  const summary = `has ${others.length} tensors that the ${features.name} backbone has no layers for: ${listNames(others)}.`;
  throw new ThawError('MODEL', summary, {
    file,
    hint: "The weights are those of another network: check the card's architecture.",
  });
}

/** `layer` for `layer4.0.conv1.weight`. */
function partOf(name: string): string {
  return (name.split('.')[0] ?? '').replace(/\d+$/, '');
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
