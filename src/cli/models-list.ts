import { dirname } from 'node:path';
import { catalogue } from '../model/registry/catalogue.js';
import { listModels, type RegisteredModel } from '../model/registry/folders.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';

interface Arguments {
  readonly models: string | undefined;
  readonly json: boolean;
}

async function list({ models, json }: Arguments): Promise<void> {
  const registered = await listModels(folders(models));
  const names = new Set(registered.map(({ name }) => name));
  if (json) {
    const pullable = catalogue.map(({ card, url, sha256, convert }) => {
      return { ...card, url, sha256, convert: convert !== undefined, registered: names.has(card.name) };
    });
    process.stdout.write(`${JSON.stringify({ registered, pullable }, null, 2)}\n`);
    return;
  }
  const lines = [
    'Registered:',
    ...table(registered.map(registeredCells)),
    '',
    'Published, for `thaw models pull`:',
  ];
  lines.push(
    ...table(
      catalogue.map(({ card, convert }) => {
        const state = names.has(card.name)
          ? 'registered'
          : convert === undefined
            ? ''
            : 'needs a conversion in Python';
        return [
          card.name,
          card.architecture,
          (card.trainedOn ?? []).join(' '),
          inputOf(card),
          licenseOf(card.license),
          state,
        ];
      }),
    ),
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}

function registeredCells({ name, file, card, problem }: RegisteredModel): string[] {
  if (card === undefined) return [name, `cannot be used: ${problem}`];
  return [name, card.architecture, card.pretraining, inputOf(card), licenseOf(card.license), dirname(file)];
}

/** The licence of the weights, without the terms of the data. */
function licenseOf(license: string | undefined): string {
  return license?.split(';')[0] ?? '';
}

function inputOf({
  input,
}: {
  readonly input: { readonly size: number; readonly channels: number };
}): string {
  return `${input.size}×${input.size}×${input.channels}`;
}

/** Columns two spaces apart, indented; the last cell of a row is as long as it is. */
function table(rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['  none'];
  const width = (column: number) =>
    Math.max(...rows.map((row) => (column < row.length - 1 ? row[column]!.length : 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column < row.length - 1 ? cell.padEnd(width(column)) : cell)).join('  ')}`.trimEnd(),
  );
}

export const modelsList: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs.option('models', MODELS_OPTION).option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print JSON, with the whole cards',
    }) as never,
  handler: list,
};
