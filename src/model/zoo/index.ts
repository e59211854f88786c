import { ThawError } from '../../base/errors.js';
import { inferShapes } from '../shapes.js';
import { DENSENETS, densenet } from './densenet.js';
import { SMALL_MEMBERS, smallMember } from './grammar.js';
import type { ZooGraph, ZooOptions } from './options.js';
import { CIFAR_RESNETS, RESNETS, resnet } from './resnet.js';
import { squeezenet } from './squeezenet.js';

interface Architecture {
  readonly build: (options: ZooOptions) => ZooGraph;
  /** Outputs of the classifier that its published weights have. */
  readonly classes: number;
}

const IMAGENET_CLASSES = 1000;
const CIFAR_CLASSES = 10;

/** Networks that are built in code; weight files are read into them by their architecture's name. */
const architectures: Readonly<Record<string, Architecture>> = {
  squeezenet1_1: { build: squeezenet, classes: IMAGENET_CLASSES },
  ...family(DENSENETS, densenet, IMAGENET_CLASSES),
  ...family(RESNETS, resnet, IMAGENET_CLASSES),
  ...family(CIFAR_RESNETS, resnet, CIFAR_CLASSES),
};

/**
 * Builds a randomly initialised network: one of `zooNames()`, or a small member with its numbers in its name
 * (grammar.ts). Throws MODEL for an unknown name (listing those known) or an impossible size.
 */
export function zooGraph(name: string, options: ZooOptions): ZooGraph {
  const graph = architecture(name).build(options);
  inferShapes(graph);
  return graph;
}

/** Outputs of the classifier that published weights of an architecture have. Throws MODEL for an unknown name. */
export function publishedClasses(name: string): number {
  return architecture(name).classes;
}

export function zooNames(): string[] {
  return Object.keys(architectures);
}

function architecture(name: string): Architecture {
  const known = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (known !== undefined) return known;
  const small = smallMember(name);
  if (small === undefined) {
    throw new ThawError('MODEL', `there is no architecture "${name}".`, {
      hint: `Architectures: ${[...zooNames(), ...SMALL_MEMBERS].join(', ')}; any other network can be handed in as .onnx.`,
    });
  }
  const build = (options: ZooOptions) =>
    small.family === 'resnet'
      ? resnet(small.name, small.layout, options)
      : densenet(small.name, small.layout, options);
  return { build, classes: CIFAR_CLASSES };
}

/** One architecture for every layout of a family, under the layout's name. */
function family<Layout>(
  layouts: Readonly<Record<string, Layout>>,
  build: (name: string, layout: Layout, options: ZooOptions) => ZooGraph,
  classes: number,
): Record<string, Architecture> {
  const entries = Object.entries(layouts);
  return Object.fromEntries(
    entries.map(([name, layout]) => [
      name,
      { build: (options: ZooOptions) => build(name, layout, options), classes },
    ]),
  );
}
