import { ThawError } from '../../base/errors.js';
import { listNames } from '../fault.js';
import type { Graph, Parameter } from '../graph.js';
import { formatShape } from '../shapes.js';
import { classifierOf } from '../trained.js';
import { zooGraph } from '../zoo/index.js';
import type { ZooGraph } from '../zoo/options.js';
import { restored } from './adapt.js';

/** How a network whose tensors have no published names can be had. */
const ONNX_HINT = 'Write an .onnx file: it holds any network.';

/**
 * The tensors of a network that ends in a new classifier, as the published weight files of its architecture name and order them
 * (torchvision's state dict; `classifier` of a DenseNet, `fc` of a ResNet with this network's outputs). Throws MODEL for an
 * architecture that is not built in or classifies otherwise, and for layers that are not the architecture's own.
 */
export function publishedTensors(graph: Graph, architecture: string): Map<string, Parameter> {
  const { weight, bias } = classifierOf(graph);
  const outputs = graph.parameters.get(bias)?.data.length ?? 0;
  const published = publishedGraph(architecture, graph, outputs);
  const last = published.nodes.find(({ output }) => output === published.output);
  if (last?.op !== 'linear' || last.bias === undefined)
    throw new ThawError(
      'MODEL',
      `the published ${architecture} does not classify by a linear layer on pooled features, as this network does.`,
      { node: last?.name ?? published.output, hint: ONNX_HINT },
    );
  const own = new Map([
    [last.weight, weight],
    [last.bias, bias],
  ]);
  const tensors = new Map<string, Parameter>();
  const wrong: string[] = [];
  for (const [name, { shape }] of published.parameters) {
    const parameter = graph.parameters.get(own.get(name) ?? name);
    if (parameter === undefined || parameter.shape.join() !== shape.join()) {
      wrong.push(`${name} ${formatShape(shape)}`);
      continue;
    }
    const order = published.channelOrder?.get(name);
    tensors.set(name, order === undefined ? parameter : restored(parameter, order));
  }
  const extra = graph.parameters.size - tensors.size;
  if (wrong.length === 0 && extra === 0) return tensors;
  throw new ThawError(
    'MODEL',
    wrong.length > 0
      ? `has no ${listNames(wrong, 4)}, which ${architecture} has.`
      : `has ${extra} tensors that ${architecture} does not have.`,
    { node: graph.name, hint: `Its layers came from an .onnx file under other names. ${ONNX_HINT}` },
  );
}

function publishedGraph(architecture: string, graph: Graph, outputs: number): ZooGraph {
  const [channels, size = 0] = graph.inputShape;
  if (channels !== 1 && channels !== 3)
    throw new ThawError('MODEL', `expected images of 1 or 3 channels, received ${channels}.`, {
      node: graph.input,
    });
  try {
    return zooGraph(architecture, { channels, size, classes: outputs, seed: null });
  } catch (cause) {
    if (!(cause instanceof ThawError)) throw cause;
    throw new ThawError('MODEL', `the names of "${architecture}" are not known: ${cause.summary}`, {
      hint: ONNX_HINT,
      cause,
    });
  }
}
