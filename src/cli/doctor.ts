import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../base/errors.js';
import { addon } from '../engine/addon.js';
import { currentVersions, thawVersion } from '../execute/versions.js';
import { probeProviders } from '../features/open-session.js';
import type { CommandBody } from './lazy.js';
import { setStatus } from './outcome.js';

interface Arguments {
  readonly json: boolean;
  readonly cache: string;
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string;
  /** Parts that were found, and what to do about those that were not. */
  readonly details?: readonly string[];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function checkAddon(): Check {
  try {
    const { version, instructionSet, compiler } = addon();
    return { name: 'C++ addon', ok: true, value: `${version}, kernels ${instructionSet}, ${compiler}` };
  } catch (error) {
    return { name: 'C++ addon', ok: false, value: messageOf(error) };
  }
}

async function checkDisk(folder: string): Promise<Check> {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  return { name: 'disk', ok: free > 2 ** 30, value: `${gigabytes(free)} free at ${existing}` };
}

function checkProviders(): Check[] {
  const { version, cuda } = probeProviders();
  const details = cuda.parts.map(({ name, found, advice }) =>
    found === undefined ? `missing ${name}${advice === undefined ? '' : `: ${advice}`}` : `${name}: ${found}`,
  );
  const lacking = cuda.parts.some(({ advice }) => advice !== undefined)
    ? `not available: ${cuda.missing.length} of its ${cuda.parts.length} parts are missing (docs/features.md)`
    : `not available (${cuda.note})`;
  return [
    { name: 'onnxruntime', ok: true, value: `${version}, CPU provider` },
    // A machine without a GPU is not a defect.
    {
      name: 'CUDA provider',
      ok: true,
      value: cuda.available ? `available, of onnxruntime ${version}` : lacking,
      details,
    },
  ];
}

async function diagnose(cache: string): Promise<Check[]> {
  const native = checkAddon();
  return [
    { name: 'thaw', ok: true, value: native.ok ? currentVersions().thaw : thawVersion() },
    { name: 'node', ok: true, value: `${process.versions.node}, ${process.platform} ${process.arch}` },
    native,
    ...checkProviders(),
    {
      name: 'processor',
      ok: true,
      value: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} threads`,
    },
    { name: 'memory', ok: true, value: `${gigabytes(freemem())} free of ${gigabytes(totalmem())}` },
    await checkDisk(cache),
  ];
}

export const doctorCommand: CommandBody<Arguments> = {
  builder: (yargs) =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON' }).option('cache', {
      type: 'string',
      default: '.thaw/cache',
      describe: 'Folder whose disk is looked at',
    }) as never,
  handler: async ({ json, cache }) => {
    const checks = await diagnose(cache);
    if (json) process.stdout.write(`${JSON.stringify(checks, null, 2)}\n`);
    else
      for (const { name, ok, value, details = [] } of checks) {
        process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(14)} ${value}\n`);
        for (const line of details) process.stdout.write(`${' '.repeat(20)}${line}\n`);
      }
    if (checks.some(({ ok }) => !ok)) setStatus(1);
  },
};
