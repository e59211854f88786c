import type { Graph } from '../model/graph.js';
import { addon, type NativeInference, type NativeInferenceOptions } from './addon.js';
import { nativeGraph } from './native-graph.js';
import { NativeOwner, translated } from './native-owner.js';

export interface InferenceOptions extends Omit<NativeInferenceOptions, 'graph'> {
  /** Ends in a vector or a map. */
  readonly graph: Graph;
}

/**
 * A frozen network, or the part of one before a cut, that the engine runs: in C++ and off the event loop. One call at a time:
 * a second one throws BUSY at once. Its owner disposes it (`await using`).
 */
export class Inference extends NativeOwner<NativeInference> {
  /** Throws ENGINE, with the node, for a graph that the engine does not know. `file` is where the graph comes from. */
  static create({ graph, ...rest }: InferenceOptions, file: string): Inference {
    const { Inference: Native } = addon();
    const native = nativeGraph(graph, [{ nodes: graph.nodes }]);
    const inference = new Inference(
      translated(file, () => new Native({ ...rest, graph: native })),
      'network',
      file,
    );
    for (const [name, { data }] of graph.parameters) inference.call((native) => native.load(name, data));
    return inference;
  }

  /** images [batch, C, H, W] → outputs [batch, ...shape of the output]; leave both alone until it resolves. */
  run(images: Float32Array, outputs: Float32Array): Promise<void> {
    return this.job((native) => native.run(images, outputs));
  }

  /** Bytes that it has taken outside V8's heap. */
  get bytes(): number {
    return this.call((native) => native.bytes());
  }
}
