import { ThawError } from '../base/errors.js';

/** How nodes of one kind (ONNX's or ours) are looked at. */
export interface NodeView<T> {
  readonly name: (node: T) => string;
  readonly inputs: (node: T) => readonly string[];
  readonly outputs: (node: T) => readonly string[];
}

/**
 * The nodes that `wanted` depends on, every node after those it reads from. The order follows from the graph alone
 * (depth first from `wanted`), not from the order of `nodes`. Tensors that no node makes are left to the caller.
 * Throws MODEL when two nodes make the same tensor or nodes depend on each other in a circle.
 */
export function sortNodes<T>(nodes: readonly T[], view: NodeView<T>, wanted: string, file?: string): T[] {
  const place = file === undefined ? {} : { file };
  const makers = new Map<string, T>();
  for (const node of nodes) {
    for (const tensor of view.outputs(node)) {
      const other = makers.get(tensor);
      if (other !== undefined) {
        const summary = `two nodes make the tensor "${tensor}": "${view.name(other)}" and "${view.name(node)}".`;
        throw new ThawError('MODEL', summary, { ...place, node: view.name(node) });
      }
      makers.set(tensor, node);
    }
  }
  const sorted: T[] = [];
  const state = new Map<T, 'open' | 'done'>();
  const first = makers.get(wanted);
  const stack = first === undefined ? [] : [{ node: first, next: 0 }];
  if (first !== undefined) state.set(first, 'open');
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const tensor = view.inputs(top.node)[top.next++];
    if (tensor === undefined) {
      stack.pop();
      state.set(top.node, 'done');
      sorted.push(top.node);
      continue;
    }
    const maker = makers.get(tensor);
    if (maker === undefined || state.get(maker) === 'done') continue;
    if (state.get(maker) === 'open') {
      const circle = stack
        .slice(stack.findIndex(({ node }) => node === maker))
        .map(({ node }) => view.name(node));
      const summary = `nodes depend on each other in a circle: ${circle.join(' ← ')}.`;
      throw new ThawError('MODEL', summary, { ...place, node: view.name(maker) });
    }
    state.set(maker, 'open');
    stack.push({ node: maker, next: 0 });
  }
  return sorted;
}
