import { ThawError } from '../base/errors.js';
import { listSome, suggestionOrList } from '../base/nearest.js';
import type { ModelInput } from '../model/card.js';
import { catalogue } from '../model/registry/catalogue.js';
import { registeredModels } from '../model/registry/folders.js';
import { importModel } from '../model/registry/import.js';
import type { Registered } from '../model/registry/register.js';
import { readCard } from '../model/registry.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION, ownFolder } from './models-folders.js';
import { fromUser } from './paths.js';

interface Arguments {
  readonly file: string;
  readonly arch?: string;
  readonly name?: string;
  readonly pretraining?: string;
  readonly like?: string;
  readonly size?: number;
  readonly channels?: number;
  readonly order?: 'RGB' | 'BGR';
  readonly scale?: number;
  readonly mean?: string;
  readonly std?: string;
  readonly trainedOn?: readonly string[];
  readonly site?: string;
  readonly labels?: string;
  readonly license?: string;
  readonly citation?: string;
  readonly origin?: string;
  readonly featureTensor?: string;
  readonly models?: string;
  readonly force: boolean;
  readonly json: boolean;
}

async function importFile(args: Arguments): Promise<void> {
  const { arch, name, pretraining, like, site, license, citation, origin, featureTensor, trainedOn } = args;
  const { size, channels, order, scale } = args;
  const input = given({
    size,
    channels: channelsOf(channels),
    order,
    scale,
    mean: numbers('--mean', args.mean),
    std: numbers('--std', args.std),
  });
  const words = {
    architecture: arch,
    name,
    pretraining,
    site,
    license,
    citation,
    origin,
    featureTensor,
    trainedOn,
    labels: listOf(args.labels),
  };
  const facts = {
    ...given(words),
    input: input as Partial<ModelInput>,
    ...(like === undefined ? {} : { like: await inputLike(like, args.models) }),
  };
  const options = { replace: args.force };
  const registered = await importModel(fromUser(args.file), facts, ownFolder(args.models), options);
  if (args.json) {
    const { card, file, model } = registered;
    const { notes, fingerprint, match } = model;
    process.stdout.write(`${JSON.stringify({ card, file, fingerprint, notes, ...match }, null, 2)}\n`);
  } else print(registered);
}

function print({ card, file, model }: Registered): void {
  const { match, notes } = model;
  if (match !== undefined) {
    const names = (list: readonly string[]) => (list.length === 0 ? '' : ` (${listSome(list, 8)})`);
    const { matched, missing, unexpected } = match;
    process.stderr.write(`${matched.length} matched, ${missing.length} missing${names(missing)}, `);
    process.stderr.write(`${unexpected.length} unexpected${names(unexpected)}\n`);
  }
  for (const note of notes) process.stderr.write(`${note}\n`);
  process.stderr.write(`registered as ${card.name}\n`);
  process.stdout.write(`${file}\n`);
}

/** The input of a registered or published model. Throws CONFIG for a name that is neither. */
async function inputLike(name: string, models: string | undefined): Promise<ModelInput> {
  const registered = await registeredModels(folders(models));
  const card = registered.get(name);
  if (card !== undefined) return (await readCard(card)).input;
  const published = catalogue.find((entry) => entry.card.name === name);
  if (published !== undefined) return published.card.input;
  throw new ThawError('CONFIG', `there is no model '${name}'.`, {
    node: '--like',
    hint: suggestionOrList(name, [...registered.keys(), ...catalogue.map((entry) => entry.card.name)]),
  });
}

/** The entries that have a value. */
function given<Values extends object>(
  values: Values,
): { [Key in keyof Values]?: Exclude<Values[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function channelsOf(value: number | undefined): 1 | 3 | undefined {
  if (value === undefined || value === 1 || value === 3) return value;
  throw new ThawError('CONFIG', `expected 1 or 3, received ${value}.`, { node: '--channels' });
}

function numbers(option: string, text: string | undefined): number[] | undefined {
  const list = listOf(text)?.map(Number);
  if (list?.every(Number.isFinite) !== false) return list;
  throw new ThawError('CONFIG', `expected numbers with commas between them, received '${text}'.`, {
    node: option,
    hint: 'For three channels: 0.485,0.456,0.406.',
  });
}

function listOf(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

export const modelsImport: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'An .onnx, a weight file, or a model card .json (then only --name counts)',
      })
      .option('arch', { type: 'string', describe: 'Built-in network that a weight file is for: densenet121' })
      .option('name', { type: 'string', describe: 'Of the model [default: name of the file]' })
      .option('pretraining', {
        type: 'string',
        describe: 'One word for what it was trained on [default: the name]',
      })
      .option('like', {
        type: 'string',
        describe: 'Input (size, mean, std …) as this registered or published model',
      })
      .option('size', {
        type: 'number',
        describe: 'Height and width of the input [default: what an .onnx fixes]',
      })
      .option('channels', { type: 'number', describe: '1 or 3 [default: as the first convolution]' })
      .option('order', { choices: ['RGB', 'BGR'] as const, describe: 'Order of the channels [default: RGB]' })
      .option('scale', { type: 'number', describe: 'input = (pixel × scale − mean) / std [default: 1/255]' })
      .option('mean', { type: 'string', describe: 'One number a channel: 0.485,0.456,0.406' })
      .option('std', { type: 'string', describe: 'One number a channel: 0.229,0.224,0.225' })
      .option('trained-on', {
        type: 'string',
        array: true,
        nargs: 1,
        describe:
          'Data set whose images the weights have seen, as configs name it: chestxray14; may be given several times',
      })
      .option('site', { type: 'string', describe: 'Anatomical site of those images' })
      .option('labels', {
        type: 'string',
        describe: "What the network's own classifier tells: Edema,Fracture",
      })
      .option('license', { type: 'string', describe: 'For the record' })
      .option('citation', { type: 'string', describe: 'For the record' })
      .option('origin', { type: 'string', describe: 'For the record' })
      .option('feature-tensor', { type: 'string', describe: 'Tensor whose pooled value is the features' })
      .option('models', MODELS_OPTION)
      .option('force', { type: 'boolean', default: false, describe: 'Replace a model of the same name' })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print JSON: card, matched, missing, unexpected',
      })
      .example(
        '$0 models import best.pth.tar --arch densenet121 --name clinic --like densenet121-imagenet --trained-on our-clinic',
        'weights that were fine-tuned from ImageNet',
      ) as never,
  handler: importFile,
};
