import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of a program of native/test, built first in the folder that `npm test` uses. */
export function nativeProgram(target: string): string {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const build = join(root, 'build', 'engine');
  const options = ['-DTHAW_ADDON=OFF', '-DCMAKE_BUILD_TYPE=Release'];
  const jobs = String(availableParallelism());
  for (const words of [
    ['-S', root, '-B', build, ...options],
    ['--build', build, '-j', jobs, '--target', target],
  ])
    execFileSync('cmake', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(build, target);
}
