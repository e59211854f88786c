import { messageOf, ThawError } from '../../base/errors.js';
import type { Answer, Token } from './http.js';

export const LATER = 'What has come is kept: run the same command again to go on.';

/** What went wrong with one try. */
export interface Failure {
  readonly error: ThawError;
  /** Trying again would not help at once. */
  readonly final?: boolean;
  /** Milliseconds that the server asks for. */
  readonly retryAfter?: number;
}

/** An error that names the address. */
export function fault(url: URL, summary: string, hint?: string, cause?: unknown): ThawError {
  return new ThawError('IO', summary, {
    file: url.href,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A refusal that may pass. Throws IO for one that will not. */
export function refused(
  url: URL,
  answer: Answer,
  tokenVariable: string | undefined,
  token: Token | undefined,
): Failure {
  const { status, headers } = answer;
  const error = refusal(url, answer, tokenVariable, token);
  if (status !== 408 && status !== 429 && status < 500) throw error;
  const seconds = Number(headers['retry-after']);
  return { error, ...(seconds > 0 ? { retryAfter: seconds * 1000 } : {}) };
}

function refusal(
  url: URL,
  { status }: Answer,
  tokenVariable: string | undefined,
  token: Token | undefined,
): ThawError {
  const summary = `the server answers with status ${status}.`;
  if (status === 401 || status === 403) {
    const hint =
      tokenVariable === undefined
        ? undefined
        : token === undefined
          ? `If it asks for one, set ${tokenVariable} to your access token.`
          : `It does not accept the token in ${tokenVariable}.`;
    return fault(url, summary, hint);
  }
  if (status === 404 || status === 410)
    return fault(
      url,
      summary,
      'The file is not there any more; get it from elsewhere and put it in its place.',
    );
  return fault(url, summary, status >= 500 || status === 429 ? `Try later. ${LATER}` : undefined);
}

const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'];

/** What went wrong on the way, from undici's or the system's error. */
export function connectionFailure(url: URL, cause: unknown): Failure {
  const { code = '', cause: inner } = cause as { code?: string; cause?: { code?: string } };
  const reason = code === '' ? (inner?.code ?? '') : code;
  if (UNREACHABLE.includes(reason))
    return { error: fault(url, `cannot be reached (${reason}).`, undefined, cause), final: true };
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(reason)) {
    const hint = 'Where a proxy opens the traffic, name its certificate in NODE_EXTRA_CA_CERTS.';
    return { error: fault(url, `its certificate is not accepted (${reason}).`, hint, cause), final: true };
  }
  if (reason === 'UND_ERR_ABORTED' && /^Proxy response/.test(messageOf(cause)))
    return {
      error: fault(url, `the proxy refuses: ${messageOf(cause)}.`, 'Check HTTPS_PROXY and NO_PROXY.', cause),
      final: true,
    };
  const words = reason === '' ? messageOf(cause) : reason;
  return { error: fault(url, `the connection broke (${words}).`, LATER, cause) };
}
