import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '../../../src/base/hash.js';
import type { CatalogueEntry } from '../../../src/model/registry/catalogue-entry.js';
import type { CardWithoutFile } from '../../../src/model/registry/register.js';
import { zooGraph } from '../../../src/model/zoo/index.js';

export const ARCHITECTURE = 'resnet(8,[1,1])';

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-models-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Random weights of a tiny network as a `.safetensors` file. */
export function tinyWeights(seed = 1, leaveOut: readonly string[] = []): Uint8Array {
  const graph = zooGraph(ARCHITECTURE, { channels: 3, size: 32, classes: 10, seed });
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const [name, { shape, data }] of graph.parameters) {
    if (leaveOut.includes(name)) continue;
    header[name] = { dtype: 'F32', shape, data_offsets: [position, position + data.byteLength] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    position += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

export function tinyCard(name = 'tiny'): CardWithoutFile {
  return {
    name,
    pretraining: 'clinic',
    architecture: ARCHITECTURE,
    input: {
      size: 32,
      channels: 3,
      order: 'RGB',
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.2, 0.2, 0.2],
    },
  };
}

/** An entry for bytes that a test server has; `digits` of their SHA-256 are known. */
export function tinyEntry(url: string, bytes?: Uint8Array, digits = 64): CatalogueEntry {
  const digest = bytes === undefined ? {} : { sha256: sha256(bytes).slice(0, digits) };
  return { card: tinyCard(), url, ...digest };
}
