import type { Dataset } from '../data/dataset.js';
import type { ModelCard } from '../model/card.js';
import type { DataConfig } from '../sweep/config.js';

/** Published sets whose images are of another one. */
const PARTS_OF: Readonly<Record<string, readonly string[]>> = { 'rsna-pneumonia': ['chestxray14'] };
/** MedMNIST's sets that were made from another published one's images. */
const MEDMNIST_OF: Readonly<Record<string, string>> = { chestmnist: 'chestxray14' };

/** What the images of a data set are known by: its config, and the patients that it holds out or is. */
export interface ImageOrigin {
  readonly config: Pick<DataConfig, 'source' | 'imagesOf'>;
  readonly dataset?: Pick<Dataset, 'heldOut'>;
}

/** Between a word of `trainedOn` and the id of the patients that were held out of the images. */
const EXCEPT = ' except ';

/**
 * The data set that a source's weights have seen images of and that a target's images are of: its test images may be among them.
 * A source that was trained on all but some patients has not seen these. Undefined where the card names none.
 */
export function seenData(
  card: Pick<ModelCard, 'trainedOn'>,
  { config, dataset }: ImageOrigin,
): string | undefined {
  const own = originsOf(config);
  const { id, use } = dataset?.heldOut ?? {};
  for (const word of card.trainedOn ?? []) {
    const [origin = '', except] = word.split(EXCEPT);
    if (own.includes(origin) && !(use === 'downstream' && except === id)) return origin;
  }
  return undefined;
}

/** What a source that is trained on a data set has seen, as its card says it in `trainedOn`. */
export function imagesSeen({ config, dataset }: ImageOrigin): string[] {
  const { source, imagesOf } = config;
  const words = new Set([...imagesOf, ...ownImages(source)]);
  const { heldOut } = dataset ?? {};
  return heldOut?.use === 'upstream' ? [...words].map((word) => `${word}${EXCEPT}${heldOut.id}`) : [...words];
}

/** Words for the images of a data set, the kind that it has in a config among them. */
function originsOf({ source, imagesOf }: ImageOrigin['config']): string[] {
  return [source.kind, ...imagesOf, ...ownImages(source)].flatMap((name) => [
    name,
    ...(PARTS_OF[name] ?? []),
  ]);
}

/** Published or drawn images that a kind stands for; none for kinds that any images may have. */
function ownImages(source: DataConfig['source']): string[] {
  switch (source.kind) {
    case 'csv':
    case 'folder':
      return [];
    case 'medmnist':
      return medmnistOrigin(source.file);
    // Another seed draws other patients.
    case 'phantom-chest':
    case 'phantom-limb':
    case 'textures':
      return [`${source.kind} seed ${source.seed}`];
    default:
      return [source.kind];
  }
}

function medmnistOrigin(file: string | undefined): string[] {
  const set = file?.toLowerCase().match(/([a-z]+mnist[a-z0-9]*?)(?:_\d+)?\.npz$/)?.[1];
  const origin = set === undefined ? undefined : MEDMNIST_OF[set];
  return [...(set === undefined ? [] : [set]), ...(origin === undefined ? [] : [origin])];
}
