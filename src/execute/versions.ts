import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { addon } from '../engine/addon.js';
import type { Versions } from '../sweep/ledger.js';

function versionOf(file: string | URL): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Version of thaw itself, from its package.json. */
export function thawVersion(): string {
  return versionOf(new URL('../../package.json', import.meta.url));
}

/** What every trial records about the software that trained it. */
export function currentVersions(): Versions {
  return {
    thaw: thawVersion(),
    node: process.versions.node,
    onnxruntime: versionOf(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    instructionSet: addon().instructionSet,
  };
}
