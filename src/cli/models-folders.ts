import { resolve } from 'node:path';
import { type FolderChoice, modelsFolder, searchFolders } from '../model/registry/folders.js';
import { userFolder } from './paths.js';

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

/** Where models are put, and removed from. */
export function ownFolder(given?: string): string {
  return modelsFolder(choiceOf(given));
}
