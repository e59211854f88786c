import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ThawError } from '../../base/errors.js';
import { ioError } from '../../base/files.js';
import type { ModelCard } from '../card.js';
import { readCard } from '../registry.js';
import { isModelName } from './names.js';

/** The environment variable that names the folder of registered models. */
export const MODELS_VARIABLE = 'THAW_MODELS';

type Environment = Readonly<Record<string, string | undefined>>;

export interface FolderChoice {
  /** What the user said on the command line. */
  readonly given?: string | undefined;
  readonly environment: Environment;
  /** Folder that the user stands in. */
  readonly here: string;
  readonly platform?: NodeJS.Platform;
  readonly home?: string;
}

/** The models that come with thaw. */
export const embeddedModels = fileURLToPath(new URL('../../../models', import.meta.url));

/**
 * Folder that `pull` and `import` write to: the one given, THAW_MODELS, or `thaw/models` in the user's data folder as the
 * system has it (XDG_DATA_HOME, else ~/.local/share; ~/Library/Application Support; %LOCALAPPDATA%).
 */
export function modelsFolder(choice: FolderChoice): string {
  const { given, environment, here } = choice;
  const chosen = given ?? environment[MODELS_VARIABLE];
  return chosen === undefined || chosen === ''
    ? join(userDataFolder(choice), 'thaw', 'models')
    : resolve(here, chosen);
}

/**
 * Folders in which a name is looked for, the first wins: the one given or THAW_MODELS, else `models` where the user stands
 * (what `thaw pretrain` writes to) and the user's; always the models that come with thaw.
 */
export function searchFolders(choice: FolderChoice): string[] {
  const chosen = choice.given ?? choice.environment[MODELS_VARIABLE];
  const own = chosen === undefined || chosen === '' ? [resolve(choice.here, 'models')] : [];
  return [...new Set([...own, modelsFolder(choice), embeddedModels])];
}

function userDataFolder({
  environment,
  platform = process.platform,
  home = homedir(),
}: FolderChoice): string {
  if (platform === 'win32') return environment.LOCALAPPDATA || join(home, 'AppData', 'Local');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  return environment.XDG_DATA_HOME || join(home, '.local', 'share');
}

/** A card in a models folder, or why it is none. */
export interface RegisteredModel {
  readonly name: string;
  /** Path of the card. */
  readonly file: string;
  readonly card?: ModelCard;
  readonly problem?: string;
}

/** Card paths by name; the first folder that has a name wins. Folders that do not exist have no models. Throws IO. */
export async function registeredModels(folders: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      if (!found.has(name)) found.set(name, cardFile(folder, name));
    }
  }
  return found;
}

/** The models of some folders with their cards, by name. Throws IO for a folder that cannot be read. */
export async function listModels(folders: readonly string[]): Promise<RegisteredModel[]> {
  const found = [...(await registeredModels(folders))].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(
    found.map(async ([name, file]) => {
      try {
        return { name, file, card: await readCard(file) };
      } catch (error) {
        if (!(error instanceof ThawError)) throw error;
        return { name, file, problem: error.message };
      }
    }),
  );
}

export function cardFile(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return [];
    throw ioError(cause, folder, 'read');
  });
  return entries.flatMap((entry) => {
    const name = entry.endsWith('.json') ? entry.slice(0, -'.json'.length) : '';
    return isModelName(name) ? [name] : [];
  });
}
