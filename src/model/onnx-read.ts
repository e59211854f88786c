import { readFile } from 'node:fs/promises';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { inFile, listNames, placedIn } from './fault.js';
import { type Graph, type Shape, usedParameters } from './graph.js';
import { Assembly } from './onnx-assembly.js';
import { type SourceNode, sourceNodes } from './onnx-attributes.js';
import { readNode } from './onnx-operators.js';
import {
  DATA_TYPE,
  type DecodedModel,
  decodeModel,
  type NodeProto,
  type TensorProto,
  toNumber,
  type ValueInfoProto,
} from './onnx-proto.js';
import { type ExternalBytes, externalLocations, readExternalBytes } from './onnx-tensor.js';
import { sortNodes } from './order.js';
import { formatShape } from './shapes.js';

/** Changed copies of weights (transposed, scaled) that a file may ask for: numbers for each byte of its weights. */
const DERIVED_SHARE = 2;
const DERIVED_FREE = 2 ** 22;
const OPSETS = { oldest: 9, newest: 21 } as const;

/** An input or output as the file declares it. */
export interface OnnxPort {
  readonly name: string;
  /** Numbers, or names of lengths that are left open. */
  readonly shape: readonly (number | string)[];
}

/** A decoded `.onnx` file that has not been turned into a graph yet. */
export interface OnnxFile {
  readonly path: string;
  readonly opset: number;
  readonly producer: string;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly nodes: readonly SourceNode[];
  /** What the file says about itself, by key. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly model: DecodedModel;
}

export interface OnnxReadOptions {
  /** Height and width of the input where the file leaves them open. */
  readonly inputSize?: number | undefined;
}

/**
 * Reads a classification network (opset 9 to 21, weights inside or in files beside it) into the graph IR.
 * Throws IO when the file cannot be read; MODEL, naming file, node and operator, for anything in it that is broken or
 * not supported.
 */
export async function readOnnx(path: string, options: OnnxReadOptions = {}): Promise<Graph> {
  return (await convertOnnx(await openOnnx(path), options)).graph;
}

/** Decodes an `.onnx` file as far as it can be described; see `readOnnx` for the errors. */
export async function openOnnx(path: string): Promise<OnnxFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  const model = decodeModel(bytes, path);
  const weights = new Set(model.graph.initializer.map(({ name }) => name));
  return {
    path,
    opset: opsetOf(model, path),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    inputs: model.graph.input.filter(({ name }) => !weights.has(name)).map(portOf),
    outputs: model.graph.output.map(portOf),
    nodes: sourceNodes(model.graph.node),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    model,
  };
}

/** Names of the data files beside an `.onnx` that its tensors are in. Throws MODEL for one that is not in its folder. */
export async function externalFiles({ model, path }: OnnxFile): Promise<string[]> {
  const constants = model.graph.node.flatMap((node) => node.attribute.flatMap(({ t }) => t ?? []));
  return externalLocations([...model.graph.initializer, ...constants], path).catch((error: unknown) => {
    throw placedIn(path, error);
  });
}

/** Turns a decoded file into the graph IR; `notes` say what of the file was left out. */
export async function convertOnnx(
  file: OnnxFile,
  options: OnnxReadOptions = {},
): Promise<{ readonly graph: Graph; readonly notes: readonly string[] }> {
  const { path, opset, model } = file;
  if (opset < OPSETS.oldest || opset > OPSETS.newest) {
    throw new ThawError('MODEL', `expects opset ${OPSETS.oldest} to ${OPSETS.newest}, received ${opset}.`, {
      file: path,
      hint: 'Export the model with `opset_version=17`.',
    });
  }
  const input = inFile(path, () => imageInput(file, options.inputSize));
  const [output] = file.outputs;
  if (output === undefined) throw new ThawError('MODEL', 'the graph has no output.', { file: path });
  const view = {
    name: (node: SourceNode) => node.name,
    inputs: (node: SourceNode) => node.inputs.filter((tensor) => tensor !== ''),
    outputs: (node: SourceNode) => node.outputs.filter((tensor) => tensor !== ''),
  };
  // Made anew: reading a node uses its attributes up.
  const nodes = sortNodes(sourceNodes(model.graph.node), view, output.name, path);
  const initializers = new Map(model.graph.initializer.map((tensor) => [tensor.name, tensor]));
  const external = await externalBytes(path, nodes, model.graph.node, initializers);
  const assembly = new Assembly({
    opset,
    input: input.name,
    inputShape: input.shape,
    initializers,
    external,
    mostDerived: DERIVED_SHARE * weightBytes(model, external) + DERIVED_FREE,
    readers: countReaders(nodes, output.name),
  });
  inFile(path, () => {
    for (const node of nodes) readNode(assembly, node);
    if (assembly.shapeOf(output.name) === undefined)
      throw new ThawError('MODEL', 'the output is not computed from the image.', { node: output.name });
  });
  const graph: Graph = {
    name: model.graph.name,
    input: input.name,
    inputShape: input.shape.slice(1),
    output: output.name,
    nodes: assembly.nodes,
    parameters: usedParameters(assembly.nodes, assembly.parameters),
  };
  return { graph, notes: [...notesOf(file, nodes.length), ...assembly.notes] };
}

function opsetOf(model: DecodedModel, path: string): number {
  const standard = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (standard !== undefined) return toNumber(standard.version);
  const domains = model.opsetImport.map(({ domain }) => domain);
  throw new ThawError('MODEL', `uses no standard ONNX operators, only ${listNames(domains)}.`, {
    file: path,
  });
}

/** Name and shape [N, C, H, W] of the one image input; lengths that stay open are 0, the batch size 1. */
function imageInput(file: OnnxFile, size: number | undefined): { name: string; shape: Shape } {
  const [input, ...others] = file.inputs;
  if (input === undefined || others.length > 0) {
    const names = file.inputs.map(({ name }) => name);
    throw new ThawError('MODEL', `expects one input, received ${names.length} (${listNames(names)}).`);
  }
  const { name } = input;
  const elemType = file.model.graph.input.find((info) => info.name === name)?.type?.tensorType?.elemType ?? 0;
  const floats: readonly number[] = [
    DATA_TYPE.float,
    DATA_TYPE.float16,
    DATA_TYPE.bfloat16,
    DATA_TYPE.double,
  ];
  if (!floats.includes(elemType))
    throw new ThawError('MODEL', `expects a floating-point input, received element type ${elemType}.`, {
      node: name,
    });
  const [batch, channels, height, width] = input.shape.map((length) =>
    typeof length === 'number' ? length : 0,
  );
  if (input.shape.length !== 4 || !channels || (channels !== 1 && channels !== 3)) {
    const received = `[${input.shape.join(', ')}]`;
    throw new ThawError('MODEL', `expects an input [N, C, H, W] with C of 1 or 3, received ${received}.`, {
      node: name,
      hint: 'Export the model for NCHW images with a fixed number of channels.',
    });
  }
  const shape = [batch || 1, channels, height || (size ?? 0), width || (size ?? 0)];
  if (shape.some((length) => length < 0))
    throw new ThawError('MODEL', `has an impossible input shape ${formatShape(shape)}.`, { node: name });
  return { name, shape };
}

function externalBytes(
  path: string,
  nodes: readonly SourceNode[],
  protos: readonly NodeProto[],
  initializers: ReadonlyMap<string, TensorProto>,
) {
  const read = nodes.flatMap((node) => node.inputs.flatMap((tensor) => initializers.get(tensor) ?? []));
  const constants = protos.flatMap((node) => node.attribute.flatMap(({ t }) => t ?? []));
  return readExternalBytes([...new Set([...read, ...constants])], path).catch((error: unknown) => {
    throw placedIn(path, error);
  });
}

/** Bytes of all weights and constants, inside the file and beside it. */
function weightBytes({ graph }: DecodedModel, external: ExternalBytes): number {
  const constants = graph.node.flatMap((node) => node.attribute.flatMap(({ t }) => t ?? []));
  let bytes = 0;
  for (const tensor of [...graph.initializer, ...constants])
    bytes += tensor.rawData.byteLength + 4 * tensor.floatData.length + 8 * tensor.doubleData.length;
  for (const { byteLength } of external.values()) bytes += byteLength;
  return bytes;
}

function countReaders(nodes: readonly SourceNode[], output: string): Map<string, number> {
  const readers = new Map<string, number>([[output, 1]]);
  for (const tensor of nodes.flatMap((node) => node.inputs))
    readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  return readers;
}

function portOf({ name, type }: ValueInfoProto): OnnxPort {
  const dimensions = type?.tensorType?.shape?.dim ?? [];
  return { name, shape: dimensions.map(({ dimValue, dimParam }) => toNumber(dimValue) || dimParam || '?') };
}

function notesOf(file: OnnxFile, used: number): string[] {
  const notes: string[] = [];
  const [first, ...others] = file.outputs.map(({ name }) => name);
  if (others.length > 0)
    notes.push(`of ${others.length + 1} outputs "${first}" is used, not ${listNames(others)}`);
  const unused = file.nodes.length - used;
  if (unused > 0 && others.length === 0)
    notes.push(`${unused} nodes do not lead to the output and were left out`);
  return notes;
}
