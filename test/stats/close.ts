import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Relative above 1, absolute below. */
export function close(
  actual: number | null | undefined,
  expected: number,
  what: string,
  tolerance = 1e-10,
): void {
  assert.ok(actual !== null && actual !== undefined, `${what}: expected ${expected}, received ${actual}`);
  if (actual === expected) return;
  const reach = tolerance * Math.max(1, Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= reach, `${what}: expected ${expected}, received ${actual}`);
}

/** A file of golden/, made by the script of the same name there. */
export function golden(name: string) {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8'));
}
