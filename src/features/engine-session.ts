import { ThawError } from '../base/errors.js';
import { addon } from '../engine/addon.js';
import { Inference } from '../engine/inference.js';
import { inFile } from '../model/fault.js';
import { requireFiniteWeights } from '../model/finite.js';
import { convertOnnx, openOnnx } from '../model/onnx-read.js';
import type { Session } from './session.js';

/**
 * Whether the engine runs frozen networks faster than onnxruntime on this processor. Measured on 2 cores, batch 16, 224 × 224
 * pixels: with AVX-512 1.24 times (DenseNet-121) and 1.12 times (ResNet-50) as fast; narrower vectors suit its order of
 * channels in memory less, and oneDNN has no fast kernels of its own for ARM.
 */
export function engineIsFaster(): boolean {
  return addon().instructionSet.startsWith('avx512');
}

/**
 * Opens an ONNX file in the engine, on the CPU. Throws IO or MODEL for a file that cannot be read or whose weights are not
 * finite, ENGINE, with the node, for an operator that the engine does not know.
 */
export async function openEngine(
  onnxPath: string,
  threads: number,
  providerNote: string | undefined,
): Promise<Session> {
  const file = await openOnnx(onnxPath);
  const [input] = file.inputs;
  const [output] = file.outputs;
  if (input === undefined || output === undefined || file.outputs.length > 1)
    throw new ThawError('MODEL', `expected one output, received ${file.outputs.length}.`, { file: onnxPath });
  let open: { readonly batch: number; readonly size: number; readonly inference: Inference } | undefined;
  async function inferenceFor([batch = 0, , size = 0]: readonly number[]): Promise<Inference> {
    if (open?.batch === batch && open.size === size) return open.inference;
    open?.inference.dispose();
    open = undefined;
    const { graph } = await convertOnnx(file, { inputSize: size });
    inFile(onnxPath, () => requireFiniteWeights(graph));
    const inference = Inference.create(
      { graph, batch, threads, device: 'cpu', precision: 'fp32', winograd: true },
      onnxPath,
    );
    open = { batch, size, inference };
    return inference;
  }
  // What the engine does not know is to show now, where the file states its shapes.
  if (input.shape.every((length) => typeof length === 'number')) await inferenceFor(input.shape);
  return {
    runtime: 'engine',
    provider: 'cpu',
    ...(providerNote === undefined ? {} : { providerNote }),
    inputShape: input.shape,
    outputShape: output.shape,
    run: async (pixels, inputShape, features) => (await inferenceFor(inputShape)).run(pixels, features),
    release: async () => open?.inference.dispose(),
  };
}
