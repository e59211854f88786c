import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server on this machine that ends with the test; `seen` lists the requests. */
export async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<{ readonly url: string; readonly host: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response, seen.length);
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, host: `127.0.0.1:${port}`, seen };
}

export interface FileAnswer {
  readonly etag?: string;
  /** Sends so many bytes of what it announces, then drops the connection. */
  readonly drop?: number;
  readonly ignoreRange?: boolean;
  /** Another length than the true one. */
  readonly length?: number;
}

/** Answers as a server of files does, with ranges (RFC 9110, 14), or not quite. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  { etag, drop, ignoreRange = false, length }: FileAnswer = {},
): void {
  const start = Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const partial = !ignoreRange && fresh && start > 0;
  const body = partial ? bytes.subarray(start) : bytes;
  const headers = {
    'content-length': length ?? body.byteLength,
    ...(etag === undefined ? {} : { etag }),
    ...(partial ? { 'content-range': `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` } : {}),
  };
  if (partial && start >= bytes.byteLength) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.byteLength}` }).end();
    return;
  }
  response.writeHead(partial ? 206 : 200, headers);
  if (drop === undefined) response.end(body);
  else response.write(body.subarray(0, drop), () => setTimeout(() => response.destroy(), 20));
}
