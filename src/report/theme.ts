/** Colours by name: pages set them as CSS variables for light and dark, stand-alone files get the light ones. */
export type Theme = Readonly<Record<string, string>>;

/**
 * Okabe & Ito's colour-blind-safe hues (Color Universal Design, 2008) in their order of contrast,
 * darkened on white and lightened on black until every line has at least 3:1 against the paper. `s1` … `s6` are steps of
 * one hue for ordered things.
 */
export const LIGHT: Theme = {
  paper: '#ffffff',
  surface: '#f6f8f9',
  ink: '#16202a',
  muted: '#566370',
  rule: '#e1e6ea',
  axis: '#8a96a1',
  accent: '#0067a3',
  good: '#00704f',
  bad: '#b3400a',
  c1: '#0072b2',
  c2: '#d55e00',
  c3: '#008a62',
  c4: '#b8578c',
  c5: '#2f8fc4',
  c6: '#a87100',
  c7: '#4a5661',
  c8: '#7a4fb5',
  s1: '#9db9cf',
  s2: '#78a3c4',
  s3: '#508bb7',
  s4: '#2573a8',
  s5: '#0b5a8f',
  s6: '#083c66',
};

export const DARK: Theme = {
  paper: '#0f151b',
  surface: '#171f27',
  ink: '#e8edf1',
  muted: '#9fabb6',
  rule: '#28323c',
  axis: '#62707c',
  accent: '#6bb6ea',
  good: '#4fcf9f',
  bad: '#f59061',
  c1: '#4ea6e6',
  c2: '#f4834a',
  c3: '#35c594',
  c4: '#e59cc6',
  c5: '#9ad3f5',
  c6: '#eab54a',
  c7: '#b4bec8',
  c8: '#b79be8',
  s1: '#31536f',
  s2: '#3c6d94',
  s3: '#4b8aba',
  s4: '#68a9da',
  s5: '#94caf0',
  s6: '#d3ebfc',
};

const HUES = 8;

/** How a line is drawn: hue, dash and point shape, so that it is recognised without its colour. */
export interface LineStyle {
  readonly colour: string;
  readonly dash: readonly number[];
  readonly shape: string;
  /** Square pixels of the shape's frame: shapes of equal weight to the eye differ in it. */
  readonly area: number;
}

const SHAPES: readonly (readonly [shape: string, area: number])[] = [
  ['circle', 62],
  ['square', 54],
  ['triangle-up', 96],
  ['diamond', 84],
  ['triangle-down', 96],
  ['cross', 84],
  ['triangle-left', 96],
  ['triangle-right', 96],
];
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** The style of line `level`; beyond eight lines hues come again with another dash. */
export function lineStyle(level: number): LineStyle {
  const [shape, area] = SHAPES[level % SHAPES.length]!;
  return {
    shape,
    area,
    colour: variable(`c${(level % HUES) + 1}`),
    dash: DASHES[Math.floor(level / HUES) % DASHES.length]!,
  };
}

/** Steps of one hue for `count` ordered things, from faint to strong. */
export function orderedColours(count: number): string[] {
  if (count === 1) return [variable('s5')];
  return Array.from({ length: count }, (_, index) =>
    variable(`s${1 + Math.round((index * 5) / (count - 1))}`),
  );
}

/** A colour of the theme as charts and pages name it. */
export function variable(name: string): string {
  return `var(--${name})`;
}

/** Replaces colour names by the theme's colours, for files that stand alone. */
export function withColours(svg: string, theme: Theme): string {
  return svg.replace(/var\(--([a-z0-9]+)\)/g, (whole, name: string) => theme[name] ?? whole);
}

export function cssVariables(theme: Theme): string {
  return Object.entries(theme)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');
}
