import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../../../src/base/hash.js';
import { type Progress, silent } from '../../../src/base/progress.js';
import { type DownloadOptions, download } from '../../../src/model/registry/download.js';
import { redirectTarget, tokenHeader } from '../../../src/model/registry/http.js';
import { sendFile, serve } from './server.js';
import { temporaryFolder } from './weights.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251);
const digest = sha256(bytes);

function fetchTo(folder: string, url: string, options: Partial<DownloadOptions> = {}) {
  const base = { name: 'tiny', environment: {}, progress: silent, pause: () => 1 };
  return download(url, join(folder, 'tiny.pth'), { ...base, ...options });
}

async function expectBytes(t: TestContext, url: string, options: Partial<DownloadOptions> = {}) {
  const folder = temporaryFolder(t);
  const { part, sha256: received } = await fetchTo(folder, url, { sha256: digest, ...options });
  assert.equal(received, digest);
  assert.deepEqual(readFileSync(part.path), Buffer.from(bytes));
  return folder;
}

test('a file comes whole, with its progress in megabytes', async (t) => {
  const large = new Uint8Array(3_500_000).fill(7);
  const { url } = await serve(t, (request, response) => sendFile(request, response, large));
  const told: (string | number)[] = [];
  const progress: Progress = {
    start: (task, total, unit, done = -1) => {
      told.push(task, total, unit, done);
      return { advance: (units) => void told.push(units), finish: () => void told.push('end') };
    },
    note: () => {},
  };
  const { sha256: received } = await fetchTo(temporaryFolder(t), url, {
    progress,
    sha256: sha256(large).slice(0, 8),
  });
  assert.equal(received, sha256(large));
  assert.deepEqual(told.slice(0, 4), ['tiny', 4, 'MB', 0]);
  assert.equal(
    told.slice(4, -1).reduce((sum: number, units) => sum + Number(units), 0),
    3,
  );
  assert.equal(told.at(-1), 'end');
});

test('dropped connections are made again from where they broke', async (t) => {
  const { url, seen } = await serve(t, (request, response, count) =>
    sendFile(request, response, bytes, { etag: '"one"', ...(count < 4 ? { drop: 60_000 } : {}) }),
  );
  await expectBytes(t, url);
  assert.equal(seen.length, 4);
  const starts = seen.map(({ headers }) => Number(headers.range?.match(/\d+/)?.[0] ?? 0));
  assert.ok(
    starts.every((start, index) => index === 0 || start > starts[index - 1]!),
    `${starts}`,
  );
  assert.equal(seen[3]!.headers['if-range'], '"one"');
});

test('what an earlier call has left is gone on with', async (t) => {
  const { url, seen } = await serve(t, (request, response, count) =>
    sendFile(request, response, bytes, {
      etag: '"one"',
      ...(count <= 5 ? { drop: count === 1 ? 100_000 : 0 } : {}),
    }),
  );
  const folder = temporaryFolder(t);
  await assert.rejects(fetchTo(folder, url), {
    code: 'IO',
    message: /connection broke.*run the same command again/,
  });
  assert.ok(existsSync(join(folder, 'tiny.pth.part')));
  const before = seen.length;
  const { sha256: received } = await fetchTo(folder, url, { sha256: digest });
  assert.equal(received, digest);
  assert.match(String(seen[before]!.headers.range), /^bytes=[1-9]\d+-$/);
  // All there already: the server says so with 416, or sends nothing.
  assert.equal((await fetchTo(folder, url, { sha256: digest })).sha256, digest);
});

test('a file that has changed meanwhile, or a server without ranges, is fetched from the start', async (t) => {
  const other = bytes.map((value) => 250 - value);
  const changed = await serve(t, (request, response, count) =>
    count === 1
      ? sendFile(request, response, other, { etag: '"old"', drop: 60_000 })
      : sendFile(request, response, bytes, { etag: '"new"' }),
  );
  await expectBytes(t, changed.url);
  // Goes on with a range of the new file although it was asked for the old one's.
  const careless = await serve(t, (request, response, count) => {
    if (count === 1) return sendFile(request, response, other, { etag: '"old"', drop: 60_000 });
    delete request.headers['if-range'];
    return sendFile(request, response, bytes, { etag: '"new"' });
  });
  await expectBytes(t, careless.url);
  const plain = await serve(t, (request, response, count) =>
    sendFile(request, response, bytes, {
      etag: '"one"',
      ignoreRange: true,
      ...(count === 1 ? { drop: 60_000 } : {}),
    }),
  );
  await expectBytes(t, plain.url);
  // Nothing tells whether the file is still the same: no range is asked for.
  const nameless = await serve(t, (request, response, count) =>
    sendFile(request, response, bytes, count === 1 ? { drop: 60_000 } : {}),
  );
  await expectBytes(t, nameless.url);
  assert.equal(nameless.seen[1]!.headers.range, undefined);
});

test('a wrong file is not kept', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.url === '/page') return response.end('<html>Please log in</html>');
    return sendFile(request, response, bytes);
  });
  const folder = temporaryFolder(t);
  await assert.rejects(fetchTo(folder, url, { sha256: 'a639ec97' }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'IO');
    assert.match(
      error.message,
      new RegExp(`SHA-256 that begins with a639ec97, received ${digest} \\(300000 bytes\\)`),
    );
    return true;
  });
  await assert.rejects(fetchTo(folder, `${url}page`, { sha256: digest }), {
    message: /A web page came instead/,
  });
  assert.ok(!existsSync(join(folder, 'tiny.pth.part')));
});

test('a lie about the length ends in an error, not in a short or endless file', async (t) => {
  const lengths: Readonly<Record<string, number>> = {
    '/long': 400_000,
    '/mended': 400_000,
    '/short': 200_000,
    '/huge': 2 ** 50,
  };
  const { url, seen } = await serve(t, (request, response) => {
    const length = lengths[request.url ?? '']!;
    sendFile(request, response, bytes, {
      length,
      ...(length > bytes.length ? { drop: bytes.length } : {}),
      ...(request.url === '/mended' ? { etag: '"one"' } : {}),
    });
  });
  const folder = temporaryFolder(t);
  const get = (path: string) => fetchTo(folder, `${url}${path}`, { sha256: digest });
  await assert.rejects(get('long'), { code: 'IO', message: /connection broke|ended after/ });
  assert.equal(
    (await get('mended')).sha256,
    digest,
    'asked for the rest, the server says that there is none',
  );
  await assert.rejects(get('short'), { code: 'IO', message: /expects the SHA-256/ });
  const before = seen.length;
  await assert.rejects(get('huge'), { code: 'IO', message: /announces \d+ bytes/ });
  assert.equal(seen.length, before + 1, 'is not tried again');
});

test('what the server refuses is refused at once, what it cannot do now is tried again', async (t) => {
  const { url, seen } = await serve(t, (request, response, count) => {
    const status = Number(request.url?.slice(1));
    if (status === 503 && count % 4 === 0) return sendFile(request, response, bytes);
    return response.writeHead(status, { 'retry-after': '0.001' }).end();
  });
  const refused = async (status: number, message: RegExp, options: Partial<DownloadOptions> = {}) => {
    await assert.rejects(fetchTo(temporaryFolder(t), `${url}${status}`, options), { code: 'IO', message });
  };
  await refused(404, /status 404\. The file is not there any more/);
  await refused(401, /status 401\. If it asks for one, set LAB_TOKEN/, { tokenVariable: 'LAB_TOKEN' });
  await refused(403, /does not accept the token in LAB_TOKEN/, {
    tokenVariable: 'LAB_TOKEN',
    environment: { LAB_TOKEN: 'secret' },
  });
  assert.equal(seen.length, 3);
  await expectBytes(t, `${url}503`);
  await refused(500, /status 500\. Try later/);
});

test('redirects are followed to the end, relative ones too, and never in a circle or without end', async (t) => {
  const { url } = await serve(t, (request, response) => {
    const to = (location?: string) =>
      response.writeHead(302, location === undefined ? {} : { location }).end();
    if (request.url === '/') return to('/next');
    if (request.url === '/next') return to('file?signed=1');
    if (request.url === '/circle') return to('/back');
    if (request.url === '/back') return to('/circle');
    if (request.url === '/nowhere') return to();
    const deep = request.url?.match(/^\/deep(\d+)/)?.[1];
    if (deep !== undefined) return to(`/deep${Number(deep) + 1}`);
    return sendFile(request, response, bytes);
  });
  await expectBytes(t, url);
  const folder = temporaryFolder(t);
  await assert.rejects(fetchTo(folder, `${url}circle`), { code: 'IO', message: /redirected in a circle/ });
  await assert.rejects(fetchTo(folder, `${url}nowhere`), { code: 'IO', message: /without an address/ });
  await assert.rejects(fetchTo(folder, `${url}deep0`), { code: 'IO', message: /more than 10 times/ });
});

test('https is never left for http, nor for anything else', () => {
  const from = new URL('https://example.org/a');
  const go = (location: string, start = from) =>
    redirectTarget(start, location, new Set([start.href]), start).href;
  assert.equal(go('https://cdn.example.net/b'), 'https://cdn.example.net/b');
  assert.equal(go('/b'), 'https://example.org/b');
  assert.throws(() => go('http://example.org/a'), { code: 'IO', message: /from https to http/ });
  assert.throws(() => go('file:///etc/passwd'), { code: 'IO', message: /redirected to file:/ });
  const plain = new URL('http://example.org/a');
  assert.equal(go('http://example.org/b', plain), 'http://example.org/b');
  assert.equal(go('https://example.org/a', plain), 'https://example.org/a');
});

test('a token goes to its own host only, and not in the open', async (t) => {
  const token = { host: 'huggingface.co', value: 'secret' };
  assert.deepEqual(tokenHeader(new URL('https://huggingface.co/x'), token), {
    authorization: 'Bearer secret',
  });
  for (const url of [
    'http://huggingface.co/x',
    'https://huggingface.co.evil.example/x',
    'https://cdn.huggingface.co/x',
  ])
    assert.deepEqual(tokenHeader(new URL(url), token), {});
  const other = await serve(t, (request, response) => sendFile(request, response, bytes));
  const { url, seen } = await serve(t, (_, response) =>
    response.writeHead(307, { location: other.url, 'x-linked-etag': `"${digest}"` }).end(),
  );
  await expectBytes(t, url, { tokenVariable: 'LAB_TOKEN', environment: { LAB_TOKEN: ' secret\n' } });
  assert.equal(seen[0]!.headers.authorization, 'Bearer secret');
  assert.equal(other.seen[0]!.headers.authorization, undefined);
});

test('a digest that a redirect tells is held against the file', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.url === '/file') return sendFile(request, response, bytes);
    return response.writeHead(302, { location: '/file', 'x-linked-etag': `"${'0'.repeat(64)}"` }).end();
  });
  await assert.rejects(fetchTo(temporaryFolder(t), url), { code: 'IO', message: /expects the SHA-256 0000/ });
});

test('proxies of the environment are used, but not for what NO_PROXY names', async (t) => {
  const origin = await serve(t, (request, response) => sendFile(request, response, bytes));
  const through: string[] = [];
  const proxy = createServer((request, response) => {
    through.push(request.url ?? '');
    sendFile(request, response, bytes);
  });
  proxy.on('connect', (request, socket) => {
    through.push(`CONNECT ${request.url}`);
    const [host, port] = request.url!.split(':');
    if (host !== '127.0.0.1') return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 Connected\r\n\r\n'));
    onward.pipe(socket).pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  await expectBytes(t, origin.url, { environment: { http_proxy: address } });
  assert.deepEqual([through.length, origin.seen.length], [1, 0], 'plain http: a request to the proxy itself');
  await expectBytes(t, origin.url, { environment: { HTTP_PROXY: address, NO_PROXY: '127.0.0.1' } });
  assert.deepEqual([through.length, origin.seen.length], [1, 1]);
  const refused = fetchTo(temporaryFolder(t), 'https://models.example/a.pth', {
    environment: { HTTPS_PROXY: address },
  });
  await assert.rejects(refused, { code: 'IO', message: /the proxy refuses.*403/ });
  assert.equal(through[1], 'CONNECT models.example:443');
  const nonsense = fetchTo(temporaryFolder(t), origin.url, {
    environment: { HTTPS_PROXY: 'not an address' },
  });
  await assert.rejects(nonsense, { code: 'CONFIG', message: /HTTPS_PROXY/ });
});

test('nobody there: an error at once', async (t) => {
  const { url } = await serve(t, () => {});
  const closed = new URL(url);
  closed.port = '9';
  const begun = performance.now();
  const pause = () => 10_000;
  await assert.rejects(fetchTo(temporaryFolder(t), closed.href, { pause }), {
    code: 'IO',
    message: /cannot be reached \(ECONNREFUSED\)/,
  });
  assert.ok(performance.now() - begun < 5000);
});

test('a full disk is said with what to do', {
  skip: !existsSync('/dev/full') && 'needs /dev/full',
}, async (t) => {
  const { url } = await serve(t, (request, response) => sendFile(request, response, bytes));
  const folder = temporaryFolder(t);
  symlinkSync('/dev/full', join(folder, 'tiny.pth.part'));
  await assert.rejects(fetchTo(folder, url), {
    code: 'IO',
    message: /ENOSPC.*--models or the variable THAW_MODELS/,
  });
});

test('a stop keeps what has come; a part of something else is not gone on with', async (t) => {
  const { url, seen } = await serve(t, (request, response, count) => {
    if (count > 1) return sendFile(request, response, bytes, { etag: '"one"' });
    response.writeHead(200, { etag: '"one"', 'content-length': bytes.length });
    response.write(bytes.subarray(0, 100_000));
  });
  const folder = temporaryFolder(t);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  await assert.rejects(fetchTo(folder, url, { signal: stop.signal }), { code: 'ABORTED' });
  assert.equal(readFileSync(join(folder, 'tiny.pth.part')).length, 100_000);
  writeFileSync(
    join(folder, 'tiny.pth.part.json'),
    JSON.stringify({ url: 'http://elsewhere/', validator: '"one"' }),
  );
  assert.equal((await fetchTo(folder, url, { sha256: digest })).sha256, digest);
  assert.equal(seen[1]!.headers.range, undefined);
});
