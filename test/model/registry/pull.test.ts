import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256, sha256File } from '../../../src/base/hash.js';
import { silent } from '../../../src/base/progress.js';
import { catalogue, readCatalogue } from '../../../src/model/registry/catalogue.js';
import { type PullOptions, pulledFile, pullModel } from '../../../src/model/registry/pull.js';
import { loadModel, readCard, validateCard } from '../../../src/model/registry.js';
import { publishedClasses } from '../../../src/model/zoo/index.js';
import { sharedPath, skipWithout } from '../../shared-data.js';
import { sendFile, serve } from './server.js';
import { temporaryFolder, tinyEntry, tinyWeights } from './weights.js';

const weights = tinyWeights();
const checkpoints = new URL('../golden/pth/', import.meta.url);
const networks = JSON.parse(readFileSync(new URL('networks.json', checkpoints), 'utf8'));
const half = networks['half.pt'] as { architecture: string; channels: 1 | 3; size: number };
const options: PullOptions = { environment: {}, progress: silent, pause: () => 1 };

test('a pulled model is whole, pinned and says where it came from', async (t) => {
  const folder = join(temporaryFolder(t), 'new', 'models');
  const { url, seen } = await serve(t, (request, response) => sendFile(request, response, weights));
  const entry = tinyEntry(`${url}files/tiny-weights.safetensors?download=1`, weights, 8);
  const pulled = await pullModel(entry, folder, options);
  assert.equal(pulled.how, 'downloaded');
  assert.equal(pulled.card.sha256, sha256(weights));
  assert.equal(pulled.card.origin, entry.url);
  assert.deepEqual(readdirSync(folder).sort(), ['tiny.json', 'tiny.safetensors']);
  assert.deepEqual(await readCard(join(folder, 'tiny.json')), pulled.card);
  const again = await pullModel(entry, folder, options);
  assert.deepEqual(
    [again.how, again.model.fingerprint, seen.length],
    ['present', pulled.model.fingerprint, 1],
  );
  writeFileSync(join(folder, 'tiny.safetensors'), tinyWeights(2));
  await assert.rejects(pullModel(entry, folder, options), { code: 'MODEL', message: /expects the SHA-256/ });
  assert.equal((await pullModel(entry, folder, { ...options, replace: true })).how, 'downloaded');
  assert.deepEqual(readdirSync(folder).sort(), ['tiny.json', 'tiny.safetensors']);
  assert.equal(await sha256File(join(folder, 'tiny.safetensors')), sha256(weights));
});

test('two at once fetch it once', async (t) => {
  const folder = temporaryFolder(t);
  const { url, seen } = await serve(t, (request, response) =>
    setTimeout(() => sendFile(request, response, weights), 50),
  );
  const entry = tinyEntry(`${url}tiny.safetensors`, weights);
  const both = await Promise.all([pullModel(entry, folder, options), pullModel(entry, folder, options)]);
  assert.deepEqual(both.map(({ how }) => how).sort(), ['downloaded', 'present']);
  assert.equal(seen.length, 1);
});

test('a file that is no such network is refused and not found again', async (t) => {
  const folder = temporaryFolder(t);
  const other = tinyWeights(1, ['bn1.weight']);
  const { url } = await serve(t, (request, response) => sendFile(request, response, other));
  const entry = tinyEntry(`${url}tiny.safetensors`);
  await assert.rejects(pullModel(entry, folder, options), { code: 'MODEL', message: /lacks 1 tensors/ });
  assert.deepEqual(readdirSync(folder), []);
});

test('a replacement that fails leaves what was there', async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await serve(t, (request, response, count) =>
    sendFile(request, response, count === 1 ? weights : tinyWeights(1, ['bn1.bias'])),
  );
  const entry = tinyEntry(`${url}tiny.safetensors`);
  const { card } = await pullModel(entry, folder, options);
  await assert.rejects(pullModel(entry, folder, { ...options, replace: true }), { code: 'MODEL' });
  assert.deepEqual(readdirSync(folder).sort(), ['tiny.json', 'tiny.safetensors']);
  assert.ok(await loadModel(card, { folder }));
});

test('without access the message says where to put the file, and then it is used', async (t) => {
  const folder = temporaryFolder(t);
  const entry = tinyEntry('http://127.0.0.1:9/files/tiny.safetensors', weights, 8);
  const file = join(folder, 'tiny.safetensors');
  assert.equal(pulledFile(entry, folder), file);
  await assert.rejects(pullModel(entry, folder, options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'IO');
    assert.match(error.message, /^http:\/\/127\.0\.0\.1:9\/files\/tiny\.safetensors: cannot be reached/);
    assert.ok(
      error.message.includes(
        `fetch ${entry.url} elsewhere, put it at ${file} and run the same command again`,
      ),
    );
    return true;
  });
  writeFileSync(file, tinyWeights(2));
  await assert.rejects(pullModel(entry, folder, options), {
    code: 'MODEL',
    message: /expects a SHA-256 that begins with/,
  });
  assert.ok(existsSync(file), 'the file of the user is left alone');
  writeFileSync(file, weights);
  assert.equal((await pullModel(entry, folder, options)).how, 'placed');
});

test('a network in a form that is not read: what to do, and then it is used', async (t) => {
  const folder = temporaryFolder(t);
  const entry = catalogue.find(({ card }) => card.name === 'xrv-densenet121-nih')!;
  await assert.rejects(pullModel(entry, folder, options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'MODEL');
    assert.match(error.message, /is published as a pickled model, a program that is not run here/);
    assert.match(
      error.message,
      /weights="densenet121-res224-nih"\)\.state_dict\(\), ".*\/xrv-densenet121-nih\.pt"\)/,
    );
    return true;
  });
  // Stands for what those lines of Python write: the state dict of another network.
  const { architecture, channels, size } = half;
  const input = { ...entry.card.input, channels, size, mean: [0, 0, 0], std: [1, 1, 1] };
  const own = { ...entry, card: { ...entry.card, architecture, input } };
  copyFileSync(new URL('half.pt', checkpoints), join(folder, 'xrv-densenet121-nih.pt'));
  const { how, card } = await pullModel(own, folder, options);
  assert.deepEqual([how, card.file], ['placed', 'xrv-densenet121-nih.pt']);
});

test('the catalogue: unique names, cards that are valid, networks that are built in, addresses by https', () => {
  const names = catalogue.map(({ card }) => card.name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes('densenet121-imagenet') && names.includes('resnet50-imagenet-v2'));
  for (const { card, url, sha256: digits, tokenVariable } of catalogue) {
    assert.match(card.name, /^[a-z0-9][a-z0-9_-]*$/);
    validateCard(card, { node: card.name });
    for (const field of [card.site, card.license, card.citation, card.origin, card.trainedOn])
      assert.ok(field !== undefined && field.length > 0, card.name);
    assert.ok(publishedClasses(card.architecture) > 0);
    assert.equal(new URL(url).protocol, 'https:');
    assert.ok(tokenVariable === undefined || new URL(url).host === 'huggingface.co');
    if (digits !== undefined)
      assert.ok(url.includes(digits.slice(0, 8)), 'the digits are those of the file name');
  }
  for (const name of ['densenet121-a639ec97.pth', 'resnet50-0676ba61.pth', 'resnet50-11ad3fa6.pth'])
    assert.ok(catalogue.some(({ url }) => url.endsWith(`/models/${name}`)));
});

const CIFAR = 'weights/cifar10_resnet';
test('published files that are here have the digests of the catalogue and load', {
  skip: skipWithout(CIFAR),
}, async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(folder, { recursive: true });
  const { url } = await serve(t, (request, response) => {
    sendFile(request, response, readFileSync(sharedPath(`${CIFAR}${request.url}`)!));
  });
  for (const name of ['resnet20-cifar10', 'resnet56-cifar10']) {
    const entry = catalogue.find(({ card }) => card.name === name)!;
    const file = new URL(entry.url).pathname.split('/').at(-1);
    const { card, model } = await pullModel({ ...entry, url: `${url}${file}` }, folder, options);
    assert.equal(card.sha256, entry.sha256);
    assert.deepEqual(model.match?.missing, []);
  }
});

test("someone's own catalogue is read, or refused with the field", async (t) => {
  const file = join(temporaryFolder(t), 'catalogue.json');
  const entry = tinyEntry('https://models.example/tiny.safetensors', weights);
  writeFileSync(file, JSON.stringify([{ ...entry, tokenVariable: 'LAB_TOKEN' }]));
  assert.deepEqual(await readCatalogue(file), [{ ...entry, tokenVariable: 'LAB_TOKEN' }]);
  const refused = async (value: unknown, message: RegExp) => {
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    await assert.rejects(readCatalogue(file), { code: 'MODEL', message });
  };
  await refused('[', /catalogue\.json: not a catalogue/);
  await refused([{ ...entry, url: 'ftp://x/y' }], /0\.url/);
  await refused([{ ...entry, sha256: 'xyz' }], /0\.sha256.*hexadecimal/);
  await refused([{ ...entry, card: { ...entry.card, name: '../x' } }], /expected a name of letters/);
  await refused([{ ...entry, card: { ...entry.card, site: 3 } }], /site/);
  await refused([{ ...entry, surprise: 1 }], /surprise/);
});

test('docs/models.md lists all published models, and its catalogue is one', async (t) => {
  const docs = readFileSync(new URL('../../../docs/models.md', import.meta.url), 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('| `'));
  for (const { card, convert } of catalogue) {
    const row = rows.find((line) => line.includes(`\`${card.name}\``));
    assert.ok(row !== undefined, card.name);
    assert.equal(row.includes(`\`${card.name}\` ³`), convert !== undefined, card.name);
    assert.ok(row.includes(`${card.input.size}×${card.input.size}×${card.input.channels}`), card.name);
    assert.ok(row.includes(card.license!.split(' (')[0]!), card.name);
  }
  const example = docs.match(/--catalogue lab\.json`\n\n```json\n([^`]+)```/)?.[1];
  const file = join(temporaryFolder(t), 'lab.json');
  writeFileSync(file, example ?? '');
  assert.deepEqual(
    (await readCatalogue(file)).map(({ card }) => card.name),
    ['wrist'],
  );
});
