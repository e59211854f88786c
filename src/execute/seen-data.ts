import type { ModelCard } from '../model/card.js';
import type { DataConfig } from '../sweep/config.js';

/** Published sets whose images are of another one. */
const PARTS_OF: Readonly<Record<string, readonly string[]>> = { 'rsna-pneumonia': ['chestxray14'] };
/** MedMNIST's sets that were made from another published one's images. */
const MEDMNIST_OF: Readonly<Record<string, string>> = { chestmnist: 'chestxray14' };

/**
 * The data set that a source's weights have seen images of and that a target's images are of: its test images may be among them.
 * Undefined where the card names none.
 */
export function seenData(card: Pick<ModelCard, 'trainedOn'>, data: DataConfig): string | undefined {
  const { source, imagesOf } = data;
  const medmnist = source.kind === 'medmnist' ? medmnistOrigin(source.file) : [];
  const origins = [source.kind, ...imagesOf, ...medmnist].flatMap((name) => [
    name,
    ...(PARTS_OF[name] ?? []),
  ]);
  return card.trainedOn?.find((name) => origins.includes(name));
}

function medmnistOrigin(file: string | undefined): string[] {
  const set = file?.toLowerCase().match(/([a-z]+mnist[a-z0-9]*?)(?:_\d+)?\.npz$/)?.[1];
  const origin = set === undefined ? undefined : MEDMNIST_OF[set];
  return [...(set === undefined ? [] : [set]), ...(origin === undefined ? [] : [origin])];
}
