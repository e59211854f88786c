import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { writeReport } from '../../src/report/report.js';
import { dataSummary, failedRow, sweepRows } from './fixture.js';

/** A browser on the PATH; none is ever downloaded. */
function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
];

const executablePath = findBrowser();
const skip = executablePath === undefined && 'no Chromium on the PATH';

describe('the report in a browser', { skip }, () => {
  let browser: Browser;
  let folder: string;
  let report: Awaited<ReturnType<typeof writeReport>>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thaw-browser-'));
    const rows = [
      ...sweepRows(),
      failedRow({ lr: 1 }, { code: 'NON_FINITE', message: 'the loss became NaN.' }),
    ];
    const quarantine = [
      { row: 17, path: `a/very/long/folder/name/${'x'.repeat(80)}.png`, reason: 'expected an image.' },
    ];
    report = await writeReport(folder, {
      rows,
      data: [{ ...dataSummary, quarantine }],
      name: 'nih1000',
      config: {},
      planned: rows.length + 7,
    });
    browser = await chromium.launch({ executablePath: executablePath!, args: FLAGS });
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const url = pathToFileURL(report.html).href;
    const faults: string[] = [];
    page.on('console', (message) => faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => request.url() !== url && faults.push(`asks for ${request.url()}`));
    await page.goto(url);
    await use(page);
    await context.close();
    assert.deepEqual(faults, []);
  }

  test('tabs switch figures, by click and by arrow key', () =>
    open({ viewport: { width: 1280, height: 900 } }, async (page) => {
      const shown = () =>
        page.locator('[data-tabs] .plot:visible').evaluateAll((plots) => plots.map(({ id }) => id));
      assert.deepEqual(await shown(), ['auc-best']);
      await page.getByRole('tab', { name: 'Learning rate' }).click();
      assert.deepEqual(await shown(), ['auc-by-learning-rate']);
      await page.keyboard.press('ArrowRight');
      assert.deepEqual(await shown(), ['auc-by-dropout']);
      assert.equal(await page.getByRole('tab', { selected: true }).textContent(), 'Dropout');
      assert.equal(await page.locator('#auc-by-dropout svg[role=img]:visible').count(), 3);
    }));

  test('a table sorts by any column, both ways, and filters', () =>
    open({ viewport: { width: 1280, height: 900 } }, async (page) => {
      const table = page.locator('#table table');
      const column = (index: number) => table.locator(`tbody tr td:nth-child(${index})`).allTextContents();
      const test = await table
        .locator('thead th')
        .allTextContents()
        .then((titles) => titles.indexOf('Test AUROC') + 1);
      await table.getByRole('button', { name: 'Test AUROC' }).click();
      const falling = (await column(test)).map(Number);
      assert.equal(falling.length, 25);
      assert.deepEqual(
        falling,
        falling.toSorted((a, b) => b - a),
      );
      assert.equal(falling[0], 0.741);
      await table.getByRole('button', { name: 'Test AUROC' }).click();
      const rising = (await column(test)).map(Number);
      assert.deepEqual(
        rising,
        rising.toSorted((a, b) => a - b),
      );
      assert.equal(await table.locator('th[aria-sort=ascending]').count(), 1);
      await table.getByRole('button', { name: 'N', exact: true }).click();
      assert.deepEqual([...new Set(await column(2))], ['all (700)']);
      await page.getByLabel('Filter Results by task').fill('pneumonia constant 0.0003');
      assert.deepEqual(
        [...new Set(await column(1))].map((text) => text.trim()),
        ['pneumonia'],
      );
      assert.match((await page.locator('#table .tools').textContent())!, /1–20 of 20 \(360 in all\)/);
    }));

  test('without script all figures and all rows are there', () =>
    open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } }, async (page) => {
      assert.equal(await page.locator('[data-tabs] .plot:visible').count(), 5);
      assert.equal(await page.locator('#table tbody tr:visible').count(), 360);
      assert.equal(await page.locator('button, input, select').count(), 0);
    }));

  for (const width of [360, 375, 768, 1024, 1600]) {
    test(`nothing is wider than a screen of ${width} px`, () =>
      open({ viewport: { width, height: 800 } }, async (page) => {
        await page.locator('details').evaluateAll((all) => {
          for (const one of all) one.setAttribute('open', '');
        });
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        const narrow = await page.locator('#auc-best .chart:visible svg').getAttribute('viewBox');
        assert.equal(narrow, width < 720 ? '0 0 372 280' : '0 0 1000 440');
      }));
  }

  test('dark mode turns paper and figures', () =>
    open({ colorScheme: 'dark', viewport: { width: 1280, height: 900 } }, async (page) => {
      const colour = (selector: string, property: string) =>
        page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`);
      const line = '#auc-best svg path[stroke="var(--c1)"]';
      const colours = await Promise.all([
        colour('body', 'backgroundColor'),
        colour('#auc-best svg text', 'fill'),
        colour(line, 'stroke'),
      ]);
      assert.deepEqual(colours, ['rgb(15, 21, 27)', 'rgb(159, 171, 182)', 'rgb(78, 166, 230)']);
    }));

  test('paper shows every figure and no controls', () =>
    open({ viewport: { width: 1280, height: 900 } }, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      assert.equal(await page.locator('[data-tabs] .plot:visible').count(), 5);
      assert.equal(await page.locator('.tabs:visible, .tools:visible, .nav:visible').count(), 0);
      assert.equal(
        await page.evaluate('getComputedStyle(document.body).backgroundColor'),
        'rgb(255, 255, 255)',
      );
    }));

  test('landmarks, headings and captions are in order', () =>
    open({ viewport: { width: 1280, height: 900 } }, async (page) => {
      for (const role of ['banner', 'main', 'contentinfo'] as const)
        assert.equal(await page.getByRole(role).count(), 1);
      const levels = await page
        .locator('h1, h2, h3, h4')
        .evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
      assert.equal(levels.filter((level) => level === 1).length, 1);
      for (const [index, level] of levels.entries())
        assert.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index}`);
      assert.equal(await page.locator('table:not(:has(caption))').count(), 0);
      assert.equal(
        await page.locator('.chart svg:not([role=img]), .chart svg:not(:has(> title))').count(),
        0,
      );
      const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
      assert.equal(new Set(ids).size, ids.length);
    }));

  test('figure files are images by themselves', async () => {
    const page = await browser.newPage();
    for (const path of report.figures) {
      await page.goto(pathToFileURL(path).href);
      assert.equal(await page.evaluate('document.documentElement.tagName'), 'svg');
      assert.equal(await page.evaluate("document.querySelector('parsererror')"), null);
    }
    await page.close();
  });
});
