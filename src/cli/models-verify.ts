import { ThawError } from '../base/errors.js';
import { suggestionOrList } from '../base/nearest.js';
import { listModels } from '../model/registry/folders.js';
import { type Verified, verifyModel } from '../model/registry/verify.js';
import type { CommandBody } from './lazy.js';
import { folders, MODELS_OPTION } from './models-folders.js';
import { setStatus } from './outcome.js';

interface Arguments {
  readonly names: readonly string[];
  readonly models: string | undefined;
  readonly json: boolean;
}

async function verify({ names, models, json }: Arguments): Promise<void> {
  const registered = await listModels(folders(models));
  for (const name of names) {
    if (registered.some((model) => model.name === name)) continue;
    throw new ThawError('CONFIG', `there is no model '${name}'.`, {
      hint: suggestionOrList(
        name,
        registered.map((model) => model.name),
      ),
    });
  }
  const results: Verified[] = [];
  for (const model of registered) {
    if (names.length > 0 && !names.includes(model.name)) continue;
    const result = await verifyModel(model);
    results.push(result);
    if (!json) process.stdout.write(`${lineOf(result)}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  if (results.some(({ problem }) => problem !== undefined)) setStatus(1);
}

function lineOf({ name, problem, pinned, fingerprint }: Verified): string {
  if (problem !== undefined) return `FAIL ${name}: ${problem}`;
  const note = pinned === true ? '' : ' (its card has no SHA-256: only that it loads is known)';
  return `ok   ${name}  ${fingerprint}${note}`;
}

export const modelsVerify: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs
      .positional('names', { type: 'string', array: true, default: [], describe: 'All without it' })
      .option('models', MODELS_OPTION)
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' }) as never,
  handler: verify,
};
