import type { NetworkBuilder } from './builder.js';
import type { ChannelOrder } from './options.js';

/**
 * The shortcut without parameters of He et al. 2016 (section 3.3, option A): every `stride`-th pixel of `input`
 * [N, C, H, W], and C further channels of zeros → [N, 2C, ⌈H / stride⌉, ⌈W / stride⌉].
 *
 * PyTorch's files have half of the zeros before the C channels and half behind them. Here all are behind, as a copy of the
 * channels that is clipped to 0 (they come from a ReLU); `paddedOrder` says which channel is which.
 */
export function paddedChannels(net: NetworkBuilder, name: string, input: string, stride: number): string {
  const skipped = net.averagePool(`${name}.skip`, input, { kernel: 1, stride });
  return net.concat(name, [skipped, net.clip(`${name}.zero`, skipped, [-1, 0])]);
}

/**
 * Where the parameters of a network of basic blocks with padded shortcuts have their channels in a weight file: layer l + 1
 * carries the C channels of layer l as C/2 … 3C/2 − 1 there, and as 0 … C − 1 here.
 */
export function paddedOrder(
  blocks: readonly number[],
  width: number,
  classifier: string,
): ReadonlyMap<string, ChannelOrder> {
  const orders = new Map<string, ChannelOrder>();
  let order = Array.from({ length: width }, (_, channel) => channel);
  for (const [index, count] of blocks.entries()) {
    for (let block = 0; block < count; block++) {
      const name = `layer${index + 1}.${block}`;
      orders.set(`${name}.conv1.weight`, { inputs: order });
      if (index > 0 && block === 0) order = carried(order);
      orders.set(`${name}.conv2.weight`, { outputs: order });
      for (const suffix of ['weight', 'bias', 'running_mean', 'running_var'])
        orders.set(`${name}.bn2.${suffix}`, { outputs: order });
    }
  }
  orders.set(`${classifier}.weight`, { inputs: order });
  return orders;
}

/** The order of twice as many channels behind a shortcut. */
function carried(order: readonly number[]): number[] {
  const half = order.length / 2;
  const kept = order.map((channel) => channel + half);
  const before = Array.from({ length: half }, (_, channel) => channel);
  return [...kept, ...before, ...before.map((channel) => channel + 3 * half)];
}
