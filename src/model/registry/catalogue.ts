import { z } from 'zod';
import { ThawError } from '../../base/errors.js';
import { readJson, validateCard } from '../registry.js';
import { cifar } from './catalogue-cifar.js';
import type { CatalogueEntry } from './catalogue-entry.js';
import { timm } from './catalogue-timm.js';
import { torchvision } from './catalogue-torchvision.js';
import { torchxrayvision } from './catalogue-torchxrayvision.js';
import { isModelName } from './names.js';

/** Published weights of the networks that are built in. */
export const catalogue: readonly CatalogueEntry[] = [...torchvision, ...timm, ...torchxrayvision, ...cifar];

const schema = z.array(
  z.strictObject({
    card: z.looseObject({ name: z.string() }),
    url: z.url({ protocol: /^https?$/ }),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{8,64}$/, 'expected 8 to 64 hexadecimal digits (lower case)')
      .optional(),
    tokenVariable: z.string().min(1).optional(),
  }),
);

/** A list of models as someone else has written it: JSON, the entries with `card`, `url`, `sha256`, `tokenVariable`. Throws IO, MODEL. */
export async function readCatalogue(path: string): Promise<CatalogueEntry[]> {
  const parsed = schema.safeParse(await readJson(path, 'a catalogue'));
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined)
    throw new ThawError('MODEL', `${issue.message}.`, { file: path, node: issue.path.join('.') });
  return parsed.data!.map(({ card, ...entry }) => {
    if (!isModelName(card.name))
      throw new ThawError('MODEL', `expected a name of letters, digits, - and _, received '${card.name}'.`, {
        file: path,
      });
    const { file: _, sha256: __, ...rest } = validateCard(card, { file: path, node: card.name });
    return { card: rest, ...entry } as CatalogueEntry;
  });
}
