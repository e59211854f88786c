import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder that the user's relative paths are meant from: npm runs scripts at the package's root, not where the user stands. */
export function userFolder(): string {
  return process.env.npm_lifecycle_event === 'sweep'
    ? (process.env.INIT_CWD ?? process.cwd())
    : process.cwd();
}

export function fromUser(path: string): string {
  return resolve(userFolder(), path);
}

/** The embedded example that `thaw sweep` runs when no config is named. */
export const quickstartConfig = fileURLToPath(new URL('../../presets/quickstart.yaml', import.meta.url));
