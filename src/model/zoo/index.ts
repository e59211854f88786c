import { ThawError } from '../../base/errors.js';
import type { Graph } from '../graph.js';
import { inferShapes } from '../shapes.js';
import { DENSENETS, densenet } from './densenet.js';
import type { ZooOptions } from './options.js';
import { RESNETS, resnet } from './resnet.js';
import { squeezenet } from './squeezenet.js';

type Architecture = (options: ZooOptions) => Graph;

/** Networks that are built in code; weight files are read into them by their architecture's name. */
const architectures: Readonly<Record<string, Architecture>> = {
  squeezenet1_1: squeezenet,
  ...family(DENSENETS, densenet),
  ...family(RESNETS, resnet),
};

/** Builds a randomly initialised network. Throws MODEL for an unknown name (listing those known) or an impossible size. */
export function zooGraph(architecture: string, options: ZooOptions): Graph {
  const build = Object.hasOwn(architectures, architecture) ? architectures[architecture] : undefined;
  if (build === undefined) {
    throw new ThawError('MODEL', `there is no architecture "${architecture}".`, {
      hint: `Architectures: ${zooNames().join(', ')}; any other network can be handed in as .onnx.`,
    });
  }
  const graph = build(options);
  inferShapes(graph);
  return graph;
}

export function zooNames(): string[] {
  return Object.keys(architectures);
}

/** One architecture for every layout of a family, under the layout's name. */
function family<Layout>(
  layouts: Readonly<Record<string, Layout>>,
  build: (name: string, layout: Layout, options: ZooOptions) => Graph,
): Record<string, Architecture> {
  const entries = Object.entries(layouts);
  return Object.fromEntries(
    entries.map(([name, layout]) => [name, (options: ZooOptions) => build(name, layout, options)]),
  );
}
