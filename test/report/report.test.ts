import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { type ReportInput, writeReport } from '../../src/report/report.js';
import { dataSummary, failedRow, labelMetrics, okRow, setMetrics, sweepRows } from './fixture.js';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function runFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-report-'));
  folders.push(folder);
  return folder;
}

const input = (changes: Partial<ReportInput> = {}): ReportInput => {
  const rows = changes.rows ?? sweepRows();
  return {
    rows,
    data: [dataSummary],
    name: 'nih1000',
    config: { name: 'nih1000' },
    planned: rows.length,
    ...changes,
  };
};

async function pageOf(changes: Partial<ReportInput>): Promise<string> {
  return readFile((await writeReport(await runFolder(), input(changes))).html, 'utf8');
}

let whole: Promise<string> | undefined;
/** The report of the whole grid of `sweepRows`. */
function wholePage(): Promise<string> {
  whole ??= pageOf({});
  return whole;
}

/** Text of a page or of a part of it, tags left out. */
function textOf(html: string): string {
  return html
    .replace(/<(style|script)[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

function section(page: string, id: string): string {
  const [, part] = page.split(`<section id="${id}"`);
  assert.ok(part !== undefined, `the page has a section ${id}`);
  return part.split('</section>')[0]!;
}

test('writes the page and one file a figure; a second report replaces the first, byte for byte', async () => {
  const folder = await runFolder();
  const first = await writeReport(folder, input());
  assert.equal(first.html, join(folder, 'report', 'index.html'));
  assert.deepEqual(
    first.figures.map((path) => basename(path)),
    [
      'auc-best.svg',
      'auc-by-source.svg',
      'auc-by-lr-policy.svg',
      'auc-by-learning-rate.svg',
      'auc-by-dropout.svg',
      'auc-by-label-findings.svg',
    ],
  );
  await writeFile(join(folder, 'report', 'figures', 'mine.svg'), '<svg/>');
  const second = await writeReport(
    folder,
    input({ rows: sweepRows({ tasks: ['pneumonia'], sources: ['random'] }) }),
  );
  const names = await readdir(join(folder, 'report', 'figures'));
  assert.equal(second.figures.length, 4);
  assert.deepEqual(
    names.toSorted(),
    [...second.figures.map((path) => basename(path)), 'mine.svg'].toSorted(),
  );
  const same = sweepRows();
  const [once, again] = [await pageOf({ rows: same }), await pageOf({ rows: same })];
  assert.ok(once === again, 'the same rows give the same page');
});

test('key results are those of the configuration that validation selects', async () => {
  const results = textOf(section(await wholePage(), 'results'));
  // meanTest of imagenet, one-cycle, LR 0.0003: 0.53 + 0.045 · log2(700 / 50) + 0.006 + 0.004 with dropout 0, and at N = 50
  // 0.53 + 0 + 0.006 + 0.004 with dropout 0.5; half the interval over five seeds is 0.0196.
  assert.match(
    results,
    /no-finding 0\.711 ± 0\.020 at N = all \(700\), the largest imagenet · one-cycle · LR 0\.0003 · dropout 0 /,
  );
  assert.match(
    results,
    /0\.540 ± 0\.020 at N = 50 (imagenet|random) · one-cycle · LR 0\.0003 · dropout 0\.5 5 seeds; best of 24/,
  );
  const trap = [
    ...[0.7, 0.72].map((validation, seed) => okRow({ lr: 0.001, seed }, { validation, test: 0.61 })),
    ...[0.6, 0.62].map((validation, seed) => okRow({ lr: 0.01, seed }, { validation, test: 0.99 })),
  ];
  const card = textOf(section(await pageOf({ rows: trap }), 'results'));
  assert.match(card, /0\.610 ± 0\.000/);
  assert.doesNotMatch(card, /0\.99/);
});

test('the table of results has every configuration once, the selected one marked', async () => {
  const table = section(await wholePage(), 'table');
  const rows = table.split('<tbody>')[1]!.match(/<tr[\s\S]*?<\/tr>/g)!;
  assert.equal(rows.length, 3 * 5 * 24);
  assert.equal(rows.filter((row) => row.includes('class="marked"')).length, 15);
  assert.match(
    textOf(rows.filter((row) => row.includes('marked') && row.includes('pneumonia')).at(-1)!),
    /pneumonia ★ all \(700\) imagenet one-cycle 0\.0003 0 0\.596 0\.586 ± 0\.020 0\.293 5/,
  );
});

test('labels without positives are said to be undefined', async () => {
  const labels = textOf(section(await wholePage(), 'labels'));
  assert.match(labels, /left out of the macro mean: Hernia \(0 positive, 200 negative\)/);
  assert.match(labels, /Hernia 0 200 undefined undefined undefined undefined undefined/);
});

test('nothing is loaded from anywhere, and one link leads out', async () => {
  const page = await wholePage();
  assert.deepEqual(page.match(/(?:https?:)?\/\/[a-z0-9][\w.-]*\.[a-z]{2,}[^"'<\s]*/g), [
    'https://doi.org/10.1002/mp.14507',
  ]);
  assert.doesNotMatch(page, /@import|url\(|<link|<img|<iframe|\ssrc=/);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  for (const [, target] of page.matchAll(/href="([^"]+)"/g)) {
    assert.match(target!, /^(#|figures\/auc-|\.\.\/trials\.(csv|parquet)$|https:\/\/doi)/);
  }
});

test('names, paths and messages of users are text, whatever they hold', async () => {
  const evil = `<script>alert('x')</script>"><img onerror=y>`;
  const changes = { task: evil, source: evil, dataset: evil };
  const rows = [
    okRow(
      changes,
      { validation: 0.6, test: 0.6 },
      {
        device: evil,
        test: setMetrics(0.6, [labelMetrics(evil, 0.6), labelMetrics('b', null, 0)]),
      },
    ),
    okRow({ ...changes, source: 'x', n: 100 }, { validation: 0.6, test: 0.6 }),
    failedRow(changes, { code: 'DATA', message: evil }),
  ];
  const data = [
    {
      ...dataSummary,
      dataset: evil,
      root: `/data/"quoted"/${evil}`,
      labelNames: [evil],
      quarantine: [{ row: 1, path: `it's "odd" ${evil}.png`, reason: evil }],
      leakingPatients: [evil],
      splitMethod: evil,
      notes: [evil],
    },
  ];
  const page = await pageOf({ rows, data, name: evil, config: { evil } });
  assert.equal(page.match(/<script/g)?.length, 1);
  assert.equal(page.match(/<img/g), null);
  assert.ok(page.includes('it&#39;s &quot;odd&quot; &lt;script&gt;'));
});

test('an unfinished sweep says how much is missing', async () => {
  const rows = sweepRows({ tasks: ['a'], lrs: [0.001], dropouts: [0] });
  const page = await pageOf({ rows, planned: rows.length + 50 });
  assert.match(textOf(page), /Incomplete: 100 of 150 trials\./);
  assert.doesNotMatch(textOf(await pageOf({ rows })), /Incomplete/);
});

test('failures are grouped by what went wrong', async () => {
  const rows = [
    ...[12, 345, 6].map((step) =>
      failedRow({ lr: 1 }, { code: 'NON_FINITE', message: `loss is NaN at step ${step}.`, step }),
    ),
    failedRow({}, { code: 'ENGINE', message: 'out of memory.' }),
  ];
  const page = await pageOf({ rows, planned: 4 });
  const failures = section(page, 'failures');
  assert.equal(failures.match(/class="failure"/g)?.length, 2);
  assert.match(
    textOf(failures),
    /4 trials failed.*NON_FINITE 3 trials loss is NaN at step 12\..*&quot;lr&quot;: 1,.*ENGINE 1 trial out of memory\./,
  );
  assert.match(textOf(section(page, 'results')), /No trial has finished/);
  assert.match(textOf(section(await wholePage(), 'failures')), /None: every trial that ran finished\./);
});

test('the data section tells how the split was made and what is wrong with it', async () => {
  const good = textOf(section(await wholePage(), 'data'));
  assert.match(good, /1,000 images of 781 patients\. Split: random by patient, 70\/10\/20 %, seed 0\./);
  assert.match(good, /Leakage check passed: no patient is in two splits/);
  assert.match(good, /111,120 images listed but missing/);
  assert.match(good, /Atelectasis 8 1\.1 % 1 1\.0 % 2 1\.0 %/);
  const quarantine = Array.from({ length: 30 }, (_, row) => ({
    row,
    path: `${row}.png`,
    reason: 'not an image',
  }));
  const leaking = { ...dataSummary, leakingPatients: ['p17', 'p4'], quarantine };
  const page = section(await pageOf({ data: [leaking] }), 'data');
  assert.match(textOf(page), /Leakage check violated .*: 2 patients are in more than one split.*p17, p4/);
  assert.match(page, /<details><summary>30 quarantined files/);
  const assumed = textOf(
    section(await pageOf({ data: [{ ...dataSummary, patientsAssumed: true }] }), 'data'),
  );
  assert.match(assumed, /Leakage cannot be ruled out/);
  assert.doesNotMatch(assumed, /check passed/);
});

test('cost counts shared work once and the rest for every trial', async () => {
  const rows = sweepRows({ tasks: ['a'], sources: ['imagenet'] });
  const last = rows.at(-1)!;
  const largest = { ...last.result.timing, decode: 3, extract: 12 };
  rows[rows.length - 1] = { ...last, result: { ...last.result, timing: largest } };
  const cost = textOf(section(await pageOf({ rows }), 'cost'));
  // 300 trials of 0.02 s training and 0.002 s evaluation: 6.6 s. Decoding and extraction: 3 s and 12 s for the largest trial,
  // which is what the others took their part of; alone they would have needed 299 · (0.01 + 0.04) s more.
  assert.match(cost, /trials trained 300 computing time in all, shared work counted once 21\.6 s/);
  assert.match(cost, /for itself 36\.5 s trials trained a second and thread 50\.0/);
  assert.match(cost, /Decode 3\.00 s Extract features 12\.0 s Train 6\.00 s Evaluate 600 ms/);
  assert.match(
    cost,
    /nih imagenet squeezenet1_1 extractor cpu 300 120 250,000 12\.0 s 6\.00 s 600 ms 310 MB/,
  );
});

test('no rows, one seed, one size, undefined metrics: a page without NaN', async () => {
  const cases: readonly (readonly [string, Partial<ReportInput>])[] = [
    ['no rows', { rows: [], planned: 10 }],
    ['no data', { rows: [], data: [], planned: 0, config: undefined }],
    ['one seed', { rows: sweepRows({ tasks: ['a'], seeds: 1 }) }],
    ['one size', { rows: sweepRows({ tasks: ['a'], sizes: ['all'] }) }],
    ['undefined', { rows: [okRow({}, { validation: null, test: null })] }],
    ['more rows than planned', { rows: sweepRows({ tasks: ['a'] }), planned: 3 }],
    [
      'no images known',
      { rows: sweepRows({ tasks: ['a'] }), data: [{ ...dataSummary, splits: emptySplits }] },
    ],
  ];
  for (const [what, changes] of cases) {
    const page = await pageOf(changes);
    const body = page.replace(/<script[\s\S]*?<\/script>/g, '');
    assert.equal(/NaN|Infinity|\[object|>undefined/.exec(body), null, what);
    assert.match(body, /<h1>nih1000<\/h1>/, what);
  }
});

const emptySplit = { images: 0, patients: 0, positives: [], known: [] };
const emptySplits = { train: emptySplit, validation: emptySplit, test: emptySplit };

test('5,000 trials of 20 tasks: a page of less than 5 MB that says where the trials are', async () => {
  const tasks = Array.from({ length: 20 }, (_, index) => `task-${index + 1}`);
  const rows = sweepRows({
    tasks,
    sources: ['imagenet'],
    sizes: [50, 100, 200, 400, 'all'],
    seeds: 5,
    lrs: [0.001, 0.01, 0.1],
    dropouts: [0],
  });
  const more = sweepRows({
    tasks,
    sources: ['imagenet'],
    sizes: [50, 100, 200, 400, 'all'],
    seeds: 5,
    lrs: [1, 2],
    dropouts: [0],
  });
  const all = [...rows, ...more];
  assert.equal(all.length, 5000);
  const started = performance.now();
  const report = await writeReport(await runFolder(), input({ rows: all }));
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 20, `took ${seconds} s; 2 to 3 s on an idle machine`);
  assert.ok((await stat(report.html)).size < 5e6);
  const page = await readFile(report.html, 'utf8');
  assert.match(textOf(section(page, 'trials')), /5,000 trials are too many .* trials\.csv/);
});

test('results of a source whose weights have seen the data set are called too good', async () => {
  const marked = sweepRows().map((row) => ({ ...row, seenData: 'chestxray14' }));
  const text = textOf(section(await pageOf({ rows: marked }), 'results'));
  assert.match(text, /Results of \S+ on \S+ are too good: its weights have seen images of chestxray14/);
  assert.doesNotMatch(textOf(section(await wholePage(), 'results')), /too good/);
});

test('claims have a row with verdict, effect and basis; without claims there is no section; their words are escaped', async () => {
  const claims: NonNullable<ReportInput['claims']> = {
    pretrained: {
      kind: 'comparison',
      says: 'Pretraining <script>alert(1)</script> wins.',
      side: 'source=imagenet',
      against: ['source=random'],
      where: 'task=findings n>=200',
      choose: 'validation',
      expect: 'higher',
      margin: 0,
      at: 'overall',
      pair: [],
    },
  };
  const page = await pageOf({ rows: sweepRows({ tasks: ['findings'] }), claims });
  const part = section(page, 'claims');
  assert.doesNotMatch(part, /<script>/);
  assert.match(part, /&lt;script&gt;/);
  assert.match(textOf(part), /pretrained .*✓ supported 0\.0\d\d .* over seeds .*5 seeds/);
  assert.doesNotMatch(await wholePage(), /id="claims"/);
});
