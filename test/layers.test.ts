import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** A row may import only from rows above it; rooms of one row never import each other (docs/architecture.md). */
const rows: readonly (readonly string[])[] = [
  ['base'],
  ['stats', 'data', 'model'],
  ['image', 'engine'],
  ['features', 'radiomics'],
  ['train', 'predict'],
  ['sweep'],
  ['execute', 'report'],
  ['pretrain'],
  ['cli', 'index'],
];
/** What a room may import from above, where that is less than everything. */
const narrower: Readonly<Record<string, readonly string[]>> = {
  stats: ['base'],
  data: ['base'],
  model: ['base'],
  image: ['base', 'data'],
  engine: ['base', 'model'],
  radiomics: ['base', 'stats', 'data', 'image', 'engine'],
  predict: ['base', 'stats', 'data', 'model', 'image', 'engine', 'features'],
  report: ['base', 'stats', 'data', 'image', 'features', 'train', 'sweep'],
  pretrain: ['base', 'data', 'model', 'engine', 'features', 'train', 'sweep', 'execute'],
};
/** Rooms of which only types may be imported. */
const typesOnly: Readonly<Record<string, readonly string[]>> = {
  sweep: ['train', 'features', 'image', 'engine'],
  report: ['train', 'features', 'image', 'data'],
};
/** What plans and schemas need of these: pure functions of a trial's spec, which load nothing else. */
const allowedValues: Readonly<Record<string, readonly string[]>> = {
  'sweep>train': [
    'trialId',
    'freezeRule',
    'STRATEGY_FORMS',
    'storedViews',
    'RANGE',
    'foldsOf',
    'MOST_FOLDS',
    'freezePlan',
    'phasesAt',
    'mayStartBehindCuts',
  ],
  'sweep>features': ['viewKey'],
};

const source = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly names: string;
  readonly typeOnly: boolean;
}

function roomOf(path: string): string {
  const [first = '', second] = path.split('/');
  if (second !== undefined) return first;
  return first === 'index.ts' ? 'index' : 'cli';
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.ts') ? [relative(source, path)] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?([^;'"]*?)\s*from\s+'(\.[^']+)'/gms);
  return [...statements].map(([, type, names = '', target = '']) => {
    const to = posix.normalize(posix.join(dirname(file), target)).replace(/\.js$/, '.ts');
    const values = names
      .replace(/[{}]/g, '')
      .split(',')
      .filter((name) => name.trim() !== '');
    const typeOnly = type !== undefined || values.every((name) => name.trim().startsWith('type '));
    return { file, from: roomOf(file), to: roomOf(to), names, typeOnly };
  });
}

const imports = sourceFiles(source).flatMap(importsOf);
const rowOf = (room: string) => rows.findIndex((row) => row.includes(room));

test('every room has a place in the order', () => {
  assert.ok(imports.length > 50, 'the imports were found');
  for (const { from, to, file } of imports) {
    assert.ok(rowOf(from) >= 0 && rowOf(to) >= 0, `${file}: unknown room ${from} or ${to}`);
  }
});

test('rooms import only from rows above them, siblings never each other', () => {
  const wrong = imports.filter(({ from, to }) => {
    if (from === to || (from === 'index' && to === 'cli')) return from === 'index' && to === 'cli';
    return rowOf(to) >= rowOf(from) || (narrower[from] !== undefined && !narrower[from].includes(to));
  });
  assert.deepEqual(
    wrong.map(({ file, to }) => `${file} imports ${to}`),
    [],
  );
});

test('where only types may be imported, only types are', () => {
  const wrong = imports.filter(({ from, to, names, typeOnly }) => {
    if (typeOnly || !typesOnly[from]?.includes(to)) return false;
    const allowed = allowedValues[`${from}>${to}`] ?? [];
    const values = names
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim());
    return values.some((name) => name !== '' && !name.startsWith('type ') && !allowed.includes(name));
  });
  assert.deepEqual(
    wrong.map(({ file, names }) => `${file} imports ${names}`),
    [],
  );
});

test('no file takes part in a cycle', () => {
  const graph = new Map<string, string[]>();
  for (const file of sourceFiles(source)) {
    const text = readFileSync(join(source, file), 'utf8');
    const targets = [...text.matchAll(/from\s+'(\.[^']+)'/g)].map(([, target = '']) =>
      posix.normalize(posix.join(dirname(file), target)).replace(/\.js$/, '.ts'),
    );
    graph.set(file, targets);
  }
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' → ')}`);
    if (finished.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
});

test('only the addon folder includes napi.h', () => {
  const native = fileURLToPath(new URL('../native', import.meta.url));
  const files = readdirSync(native, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(h|cpp)$/.test(file),
  );
  assert.ok(files.length > 5);
  const including = files.filter((file) =>
    /#include\s*[<"]napi\.h/.test(readFileSync(join(native, file), 'utf8')),
  );
  assert.deepEqual(
    including.filter((file) => !file.startsWith('addon/')),
    [],
  );
});
