import { resolve } from 'node:path';
import { z } from 'zod';
import type { ModelCard } from '../model/card.js';
import type { SourceConfig } from './config.js';
import { radiomicsSource } from './radiomics-source.js';
import { byShape, expected, mapping, number, text, whole, words } from './schema-words.js';
import { seed } from './trial-schema.js';

const finite = z.number(expected('a number'));
const positive = number('a number above 0', (value) => value > 0);

const inputSchema = mapping({
  size: whole('a size from 8 to 4096 pixels', 8, 4096),
  channels: z.literal([1, 3], expected('1 or 3')),
  order: words('RGB', 'BGR').default('RGB'),
  scale: positive,
  mean: z.array(finite, expected('a list of numbers, one per channel')),
  std: z.array(positive, expected('a list of numbers, one per channel')),
}).superRefine(({ channels, mean, std }, context) => {
  for (const [key, list] of Object.entries({ mean, std })) {
    if (list.length === channels) continue;
    const message = `expected ${channels} values, one per channel, received ${list.length}.`;
    context.addIssue({ code: 'custom', message, path: [key] });
  }
});

/** A model card written into the config; its name is the source's where it has none. */
const cardSchema = mapping({
  name: text.exactOptional(),
  pretraining: text,
  architecture: text,
  file: text.exactOptional(),
  sha256: text.regex(/^[0-9a-f]{64}$/, expected('64 hexadecimal digits in lower case')).exactOptional(),
  randomSeed: seed.exactOptional(),
  input: inputSchema,
  featureTensor: text.exactOptional(),
  trainedOn: z
    .array(text, expected('a list of data sets'))
    .min(1, expected('at least one data set'))
    .exactOptional(),
  site: text.exactOptional(),
  labels: z.array(text, expected('a list of labels')).min(1, expected('at least one label')).exactOptional(),
  license: text.exactOptional(),
  citation: text.exactOptional(),
  origin: text.exactOptional(),
})
  .refine(({ file, randomSeed }) => file === undefined || randomSeed === undefined, {
    path: ['randomSeed'],
    error: 'expected either `file` or `randomSeed`, received both.',
  })
  .refine(({ file, sha256 }) => file !== undefined || sha256 === undefined, {
    path: ['sha256'],
    error: 'expected `sha256` together with `file`, received it alone.',
  });

const cardFile = mapping({ card: text });
const registeredModel = mapping({ model: text });
const handMade = mapping({ radiomics: radiomicsSource });

/** The name of a registered model, the file of a model card, or its fields. */
export const modelSourceSchema = byShape(
  (value): typeof registeredModel | typeof cardFile | typeof cardSchema => {
    if (typeof value !== 'object' || value === null) return cardSchema;
    return 'model' in value ? registeredModel : 'card' in value ? cardFile : cardSchema;
  },
);

/** One entry of `sources:` a network, or hand-made features. */
export const sourceSchema = byShape((value): typeof modelSourceSchema | typeof handMade =>
  typeof value === 'object' && value !== null && 'radiomics' in value ? handMade : modelSourceSchema,
);

/** Paths of the cards of registered models, by name. */
export type RegisteredModels = ReadonlyMap<string, string>;

/** A source with the paths in it absolute. Its model must be registered (registered-models.ts). */
export function sourceConfig(
  entry: z.infer<typeof sourceSchema>,
  key: string,
  folder: string,
  registered: RegisteredModels,
): SourceConfig {
  if ('radiomics' in entry) return { radiomics: entry.radiomics };
  if ('model' in entry) return { card: registered.get(entry.model)! };
  if ('card' in entry) return { card: resolve(folder, entry.card) };
  const { file, name = key, ...rest } = entry;
  const card: ModelCard = { ...rest, name, ...(file === undefined ? {} : { file: resolve(folder, file) }) };
  return { inline: card };
}
