import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type FolderChoice,
  modelsFolder,
  registeredModels,
  searchFolders,
} from '../model/registry/folders.js';
import { fromUser, userFolder } from './paths.js';

/** `--models`, for the commands that read or write registered models. */
export const MODELS_OPTION = {
  type: 'string',
  describe: "Folder of registered models [default: $THAW_MODELS, or thaw/models in the user's data folder]",
} as const;

function choiceOf(given: string | undefined): FolderChoice {
  return { given, environment: process.env, here: resolve(userFolder()) };
}

/** Where models are looked for by their name. */
export function folders(given?: string): string[] {
  return searchFolders(choiceOf(given));
}

/** The file that a user names, or the card of the registered model of this name where there is no such file. */
export async function modelFile(model: string, given: string | undefined): Promise<string> {
  const path = fromUser(model);
  return existsSync(path) ? path : ((await registeredModels(folders(given))).get(model) ?? path);
}

/** Where models are put, and removed from. */
export function ownFolder(given?: string): string {
  return modelsFolder(choiceOf(given));
}
