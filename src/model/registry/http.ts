import type { Readable } from 'node:stream';
import { EnvHttpProxyAgent, request } from 'undici';
import { messageOf, ThawError } from '../../base/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Carries requests, through a proxy where the environment names one. */
export type Carrier = EnvHttpProxyAgent;

const MOST_REDIRECTS = 10;
const CONNECT_TIMEOUT = 20_000;
/** Between two pieces of an answer. */
const SILENCE_TIMEOUT = 60_000;

/**
 * What carries requests: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment (lower case too) are honoured. To be closed.
 * Throws CONFIG for a proxy that is no address.
 */
export function openCarrier(environment: Environment): Carrier {
  const httpProxy = environment.http_proxy ?? environment.HTTP_PROXY ?? '';
  const httpsProxy = environment.https_proxy ?? environment.HTTPS_PROXY ?? httpProxy;
  const noProxy = environment.no_proxy ?? environment.NO_PROXY ?? '';
  try {
    return new EnvHttpProxyAgent({
      httpProxy,
      httpsProxy,
      noProxy,
      // Many proxies tunnel to port 443 only: plain http goes through them as requests of its own.
      proxyTunnel: false,
      connect: { timeout: CONNECT_TIMEOUT },
      headersTimeout: SILENCE_TIMEOUT,
      bodyTimeout: SILENCE_TIMEOUT,
    });
  } catch (cause) {
    throw new ThawError(
      'CONFIG',
      `HTTPS_PROXY or HTTP_PROXY is no address of a proxy: ${messageOf(cause)}.`,
      {
        cause,
        hint: 'Write it as http://proxy.example:3128.',
      },
    );
  }
}

/** A token for one host. */
export interface Token {
  readonly host: string;
  readonly value: string;
}

/** The token for the host of an address, where the variable is set. */
export function tokenFor(
  url: URL,
  variable: string | undefined,
  environment: Environment,
): Token | undefined {
  const value = variable === undefined ? undefined : environment[variable]?.trim();
  return value === undefined || value === '' ? undefined : { host: url.host, value };
}

/** Header with the token: for its own host only, and only where nobody can read it on the way. */
export function tokenHeader(url: URL, token: Token | undefined): Record<string, string> {
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const safe = url.protocol === 'https:' || loopback;
  return token !== undefined && url.host === token.host && safe
    ? { authorization: `Bearer ${token.value}` }
    : {};
}

export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
  /** SHA-256 that a redirect told of the file behind it (Hugging Face, files in Git LFS). */
  readonly linkedSha256?: string;
}

export interface GetOptions {
  readonly carrier: Carrier;
  readonly headers: Readonly<Record<string, string>>;
  readonly token?: Token | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks for an address and follows redirects, at most 10, never from https to http. Throws IO for redirects that lead nowhere;
 * errors of the connection are those of undici.
 */
export async function get(address: URL, options: GetOptions): Promise<Answer> {
  const { carrier, headers, token, signal } = options;
  let url = address;
  let linked: string | undefined;
  const visited = new Set<string>();
  for (;;) {
    visited.add(url.href);
    const answer = await request(url, {
      dispatcher: carrier,
      headers: {
        'user-agent': 'thaw',
        accept: '*/*',
        'accept-encoding': 'identity',
        ...headers,
        ...tokenHeader(url, token),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    const told = single(answer.headers);
    linked ??= told['x-linked-etag']?.match(/^"?([0-9a-f]{64})"?$/)?.[1];
    if (![301, 302, 303, 307, 308].includes(answer.statusCode)) {
      return {
        url,
        status: answer.statusCode,
        headers: told,
        body: answer.body,
        ...(linked === undefined ? {} : { linkedSha256: linked }),
      };
    }
    await answer.body.dump();
    url = redirectTarget(url, told.location, visited, address);
  }
}

/** Where a redirect leads. Throws IO for one without an address, in a circle, to another protocol, or after too many. */
export function redirectTarget(
  from: URL,
  location: string | undefined,
  visited: ReadonlySet<string>,
  first: URL,
): URL {
  const refuse = (what: string, hint?: string) => {
    return new ThawError('IO', `${what}.`, { file: first.href, ...(hint === undefined ? {} : { hint }) });
  };
  if (location === undefined || !URL.canParse(location, from.href))
    throw refuse(`is redirected by ${from.host} without an address`);
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw refuse(`is redirected to ${target.protocol}, which is not followed`);
  if (from.protocol === 'https:' && target.protocol === 'http:')
    throw refuse(
      `is redirected from https to http (${target.host}), where anyone could change it`,
      'This may be a proxy or the login page of a network.',
    );
  if (visited.has(target.href)) throw refuse(`is redirected in a circle, back to ${target.href}`);
  if (visited.size > MOST_REDIRECTS) throw refuse(`is redirected more than ${MOST_REDIRECTS} times`);
  return target;
}

/** Headers with one value each; of several the first. */
function single(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}
