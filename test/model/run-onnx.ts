import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Shape } from '../../src/model/graph.js';
import { product } from '../../src/model/shapes.js';

/** Runs an ONNX model, given as bytes or a path, on one input; returns its first output. */
export async function runOnnx(
  model: Uint8Array | string,
  input: Float32Array,
  shape: Shape,
): Promise<{ readonly shape: Shape; readonly values: Float32Array }> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  const results = await session.run({
    [session.inputNames[0] ?? '']: new Tensor('float32', input, [...shape]),
  });
  const output = results[session.outputNames[0] ?? ''];
  if (output === undefined) throw new Error('the model has no output');
  await session.release();
  return { shape: output.dims, values: output.data as Float32Array };
}

/** The input of the golden files: element i is sin(0.37 i). */
export function waves(shape: Shape): Float32Array {
  return Float32Array.from({ length: product(shape) }, (_, index) => Math.sin(0.37 * index));
}

/** Largest difference, relative to 1 + the size of the expected value. */
export function largestDifference(received: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (received.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const wanted = expected[index] ?? Number.NaN;
    const difference = Math.abs((received[index] ?? Number.NaN) - wanted) / (1 + Math.abs(wanted));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}
