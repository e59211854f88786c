/** Where a fault lies, as far as it is known; every field is shown to the user. */
export interface ErrorPlace {
  readonly file?: string;
  /** 1-based row of a table or line of a text file. */
  readonly row?: number;
  /** 1-based column of a text file. */
  readonly column?: number;
  /** Name of a graph node, tensor or config key. */
  readonly node?: string;
}

export interface ErrorDetails extends ErrorPlace {
  /** What the user can do about it, as one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Kinds of fault; `ThawError.code` is stable and may be tested by callers. */
export type ErrorCode =
  | 'CONFIG'
  | 'DATA'
  | 'LEAKAGE'
  | 'IMAGE'
  | 'MODEL'
  | 'STORE'
  | 'ENGINE'
  | 'NON_FINITE'
  | 'BUSY'
  | 'ABORTED'
  | 'RUNTIME'
  | 'IO';

/**
 * The one error type of the project: says what was expected, what came, where, and what to do.
 * `message` is complete by itself (place and hint included), `summary` is the first sentence alone.
 */
export class ThawError extends Error {
  override readonly name = 'ThawError';
  readonly code: ErrorCode;
  readonly summary: string;
  readonly place: ErrorPlace;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, summary: string, details: ErrorDetails = {}) {
    const { hint, cause, ...place } = details;
    const where = formatPlace(place);
    super(
      `${where === '' ? '' : `${where}: `}${summary}${hint === undefined ? '' : ` ${hint}`}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.summary = summary;
    this.place = place;
    this.hint = hint;
  }
}

/** `file:row:column (node)`, with whatever part is known. */
export function formatPlace(place: ErrorPlace): string {
  const position = [place.file, place.row, place.column].filter((part) => part !== undefined).join(':');
  if (place.node === undefined) return position;
  return position === '' ? place.node : `${position} (${place.node})`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
