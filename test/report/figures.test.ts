import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aucAxis, niceAxis } from '../../src/report/curve-axes.js';
import { type CurveFigure, curveFigures } from '../../src/report/curves.js';
import { readExperiment } from '../../src/report/experiment.js';
import { type DrawnFigure, drawCurveFigure, standAloneSvg } from '../../src/report/figures.js';
import { uniqueIds } from '../../src/report/format.js';
import { drawLabelFigure } from '../../src/report/label-chart.js';
import { labelResults } from '../../src/report/label-results.js';
import { DARK, LIGHT, lineStyle } from '../../src/report/theme.js';
import { halfWidth, meanTest, okRow, policies, sweepRows } from './fixture.js';

const figuresOf = (rows: Parameters<typeof readExperiment>[0]) =>
  curveFigures(readExperiment(rows), uniqueIds());
const near = (actual: number | null | undefined, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not ${expected}`);

test('one figure for the best configuration and one for every factor that varies', () => {
  assert.deepEqual(
    figuresOf(sweepRows()).map(({ id, levels }) => [id, levels]),
    [
      ['auc-best', ['findings', 'pneumonia', 'no-finding']],
      ['auc-by-source', ['imagenet', 'random']],
      ['auc-by-lr-policy', ['one-cycle', 'constant']],
      ['auc-by-learning-rate', ['0.0001', '0.0003', '0.001']],
      ['auc-by-dropout', ['0', '0.5']],
    ],
  );
  assert.deepEqual(figuresOf([]), []);
});

test('a line is the mean over seeds of what validation chooses, with its t-interval', () => {
  const bySource = figuresOf(sweepRows()).find(({ id }) => id === 'auc-by-source')!;
  const pneumonia = bySource.panels.find(({ title }) => title === 'pneumonia')!;
  assert.equal(pneumonia.points.length, 10);
  for (const { size, level, test: auroc } of pneumonia.points) {
    const dropout = size.count < 200 ? 0.5 : 0;
    const source = level === 0 ? 'imagenet' : 'random';
    const best = meanTest({
      task: 'pneumonia',
      source,
      policy: policies.oneCycle,
      lr: 0.0003,
      dropout,
      n: size.count,
    });
    near(auroc.mean, best);
    near(auroc.low, best - halfWidth, 1e-5);
    near(auroc.high, best + halfWidth, 1e-5);
    assert.equal(auroc.n, 5);
  }
});

test('many tasks get a panel each, few share one', () => {
  const tasks = Array.from({ length: 8 }, (_, index) => `task-${index}`);
  const best = figuresOf(sweepRows({ tasks, lrs: [0.001], dropouts: [0], sizes: [50, 100], seeds: 2 }))[0]!;
  assert.equal(best.panels.length, 8);
  assert.deepEqual(best.levels, ['selected on validation']);
});

test('axes are whole steps around the values, with chance on them and wide intervals cut', () => {
  assert.deepEqual(niceAxis(0.49, 0.72), { domain: [0.45, 0.75], ticks: [0.5, 0.6, 0.7] });
  assert.deepEqual(niceAxis(0.5, 0.61), { domain: [0.5, 0.65], ticks: [0.5, 0.55, 0.6, 0.65] });
  assert.deepEqual(niceAxis(0, 1), {
    domain: [0, 1],
    ticks: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
  });
  const size = { key: '50', count: 50 };
  const wild = { n: 2, mean: 0.7, sd: 0.1, low: -0.2, high: 1.6 };
  const panel = { title: 'a', unit: 'images', sizes: [size], points: [{ size, level: 0, test: wild }] };
  assert.deepEqual(aucAxis([panel]).domain, [0.35, 0.85]);
});

test('a point is drawn where its value belongs and says it in words', async () => {
  const rows = [50, 100, 200, 400].flatMap((n, index) =>
    [-0.01, 0.01].map((shift, seed) => {
      const auroc = 0.55 + 0.05 * index + shift;
      return okRow({ n, seed }, { validation: auroc, test: auroc });
    }),
  );
  const figure = figuresOf(rows)[0]!;
  const svg = (await drawCurveFigure(figure)).panels[0]!.chart.svg;
  const points = [
    ...svg.matchAll(
      /translate\(([\d.-]+),([\d.-]+)\)" d="[^"]+"[^>]*><title>no-finding, N = (\d+): ([^<]+)/g,
    ),
  ];
  assert.deepEqual(
    points.map(([, , , n, words]) => [n, words]),
    [
      ['50', '0.550 ± 0.127 (2 seeds)'],
      ['100', '0.600 ± 0.127 (2 seeds)'],
      ['200', '0.650 ± 0.127 (2 seeds)'],
      ['400', '0.700 ± 0.127 (2 seeds)'],
    ],
  );
  const place = (axis: 1 | 2) => points.map((point) => Number(point[axis]));
  const steps = (values: number[]) => values.slice(1).map((value, index) => value - values[index]!);
  for (const step of steps(place(1))) near(step, steps(place(1))[0]!, 0.25);
  for (const step of steps(place(2))) near(step, steps(place(2))[0]!, 0.25);
  assert.ok(steps(place(1))[0]! > 100, 'larger N is further right');
  assert.ok(steps(place(2))[0]! < -20, 'larger AUROC is further up');
  assert.match(svg, /role="img"><title>Test AUROC against training set size, no-finding\./);
});

test('a file stands alone: no variables, no scripts, legend and panel titles drawn', async () => {
  const figure = figuresOf(sweepRows()).find(({ id }) => id === 'auc-by-learning-rate')!;
  const svg = standAloneSvg(await drawCurveFigure(figure));
  assert.doesNotMatch(svg, /var\(|<script|href|aria-label/);
  assert.equal(svg.match(/https?:/g)?.length, svg.match(/xmlns="http:\/\/www\.w3\.org\/2000\/svg"/g)?.length);
  for (const text of [
    '0.0001',
    '0.0003',
    '0.001',
    'findings',
    'pneumonia',
    'no-finding',
    'all (700)',
    'chance',
  ]) {
    assert.ok(svg.includes(`>${text}</text>`), text);
  }
  assert.match(svg, new RegExp(LIGHT.c1!));
});

test('names of users cannot break out of a figure', async () => {
  const evil = '<script>alert(1)</script>"\'&';
  const rows = sweepRows({
    tasks: [evil, 'b'],
    sources: [evil, 'x'],
    lrs: [0.001],
    dropouts: [0],
    sizes: [50, 100],
  });
  for (const figure of figuresOf(rows)) {
    const drawn = await drawCurveFigure(figure);
    assert.doesNotMatch(standAloneSvg(drawn), /<script/);
    assert.match(standAloneSvg(drawn), /&lt;script&gt;/);
  }
});

test('many lines stay on the chart and beside their N', async () => {
  const lrs = Array.from({ length: 90 }, (_, index) => (index + 1) / 100);
  const figure = figuresOf(
    sweepRows({ tasks: ['a', 'b', 'c'], sources: ['x'], lrs, dropouts: [0], sizes: [50, 60, 70], seeds: 2 }),
  );
  const byRate = figure.find(({ id }) => id === 'auc-by-learning-rate')!;
  const svg = (await drawCurveFigure(byRate)).panels[0]!.chart.svg;
  const places = [
    ...svg.matchAll(/translate\(([\d.-]+),[\d.-]+\)" d="[^"]+"[^>]*><title>[\d.]+, N = (\d+)/g),
  ];
  assert.equal(places.length, 270);
  const at = (n: string) => places.filter((place) => place[2] === n).map((place) => Number(place[1]));
  assert.ok(Math.min(...at('50')) > 0 && Math.max(...at('70')) < 302);
  assert.ok(Math.max(...at('50')) < Math.min(...at('60')) && Math.max(...at('60')) < Math.min(...at('70')));
});

test('one size, one seed, no value at all: still a figure', async () => {
  const draw = async (figure: CurveFigure): Promise<DrawnFigure> => drawCurveFigure(figure);
  const oneSize = figuresOf(sweepRows({ tasks: ['a'], sizes: [50] })).at(-1)!;
  assert.match((await draw(oneSize)).panels[0]!.chart.svg, />50<\/text>/);
  const oneSeed = figuresOf(sweepRows({ tasks: ['a'], seeds: 1 }))[0]!;
  assert.match((await draw(oneSeed)).panels[0]!.chart.svg, /<title>a, N = 50: 0\.\d{3} \(1 seed\)</);
  const nothing = figuresOf([okRow({}, { validation: null, test: null })])[0]!;
  const svg = (await draw(nothing)).panels[0]!.chart.svg;
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});

test('labels are in order of their AUROC, undefined ones are in the table only', async () => {
  const panel = readExperiment(sweepRows()).panels.find(({ title }) => title === 'findings')!;
  const results = labelResults(panel)!;
  assert.equal(results.labels[0]?.label, 'Pneumothorax');
  assert.equal(results.labels.at(-1)?.label, 'Hernia');
  const best = meanTest({
    task: 'findings',
    source: 'imagenet',
    policy: policies.oneCycle,
    lr: 0.0003,
    dropout: 0,
    n: 'all',
  });
  near(results.labels[0]?.bySize.at(-1)?.mean, best + 6.5 * 0.012);
  const drawn = await drawLabelFigure(results, uniqueIds());
  assert.match(drawn!.panels[0]!.chart.svg, />Pneumothorax<\/text>/);
  assert.doesNotMatch(drawn!.panels[0]!.chart.svg, /Hernia/);
  const binary = readExperiment(sweepRows()).panels.find(({ title }) => title === 'pneumonia')!;
  assert.equal(labelResults(binary), undefined);
});

test('every line colour has 3:1 against its paper, every text colour 4.5:1', () => {
  for (const theme of [LIGHT, DARK]) {
    for (let level = 0; level < 8; level++) {
      const colour = theme[lineStyle(level).colour.slice(6, -1)]!;
      assert.ok(contrast(colour, theme.paper!) >= 3, `line ${level}: ${contrast(colour, theme.paper!)}`);
    }
    for (const name of ['ink', 'muted', 'accent', 'good', 'bad']) {
      for (const ground of ['paper', 'surface']) {
        const value = contrast(theme[name]!, theme[ground]!);
        assert.ok(value >= 4.5, `${name} on ${ground}: ${value}`);
      }
    }
  }
});

/** WCAG 2.2 contrast ratio of two `#rrggbb` colours. */
function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
