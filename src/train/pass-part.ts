import type { NativeTrainRequest } from '../engine/addon.js';

/** Some steps of a pass, of `batch` rows each. */
export function passPart(
  request: NativeTrainRequest,
  { first, count, batch }: { readonly first: number; readonly count: number; readonly batch: number },
): NativeTrainRequest {
  const { order, occurrences, learningRates, momenta, trainedStages } = request;
  const stages = learningRates.length / trainedStages.length;
  const rows = [first * batch, (first + count) * batch] as const;
  return {
    ...request,
    order: order.subarray(...rows),
    ...(occurrences === undefined ? {} : { occurrences: occurrences.subarray(...rows) }),
    learningRates: learningRates.subarray(first * stages, (first + count) * stages),
    ...(momenta === undefined ? {} : { momenta: momenta.subarray(first, first + count) }),
    trainedStages: trainedStages.subarray(first, first + count),
  };
}
