import type { NativeAssembleOptions } from '../engine/addon.js';
import type { ImageLayout } from '../image/geometry.js';
import type { ModelInput } from '../model/card.js';

/** How the engine turns rows of an image store into a network's input, as its model card says. */
export function assembleOptions(
  images: { readonly dataPath: string; readonly rows: number; readonly layout: ImageLayout },
  input: ModelInput,
): NativeAssembleOptions {
  const { dataPath, rows, layout } = images;
  const { size, channels } = layout;
  return {
    images: { path: dataPath, rows, columns: size * size * channels, dtype: 'uint8' },
    size,
    channels,
    outputChannels: input.channels,
    order: input.order,
    scale: input.scale,
    mean: Float32Array.from(input.mean),
    std: Float32Array.from(input.std),
  };
}
