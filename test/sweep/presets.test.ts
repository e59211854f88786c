import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { countTrials } from '../../src/sweep/expand.js';
import { parseConfig, readConfig } from '../../src/sweep/read-config.js';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

describe('presets', () => {
  it('quickstart is a valid sweep of 240 trials on a model that is there', async () => {
    const config = await readConfig(path('presets/quickstart.yaml'));
    assert.equal(config.name, 'quickstart');
    assert.equal(countTrials(config), 240);
    const source = config.sources.random;
    assert.ok(source !== undefined && 'card' in source && existsSync(source.card));
  });
});

describe('the documentation of the config', () => {
  it('has examples that are accepted', async () => {
    const text = await readFile(path('docs/config.md'), 'utf8');
    const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);
    assert.ok(examples.length >= 6);
    const [whole, ...parts] = examples as [string, ...string[]];
    assert.equal(countTrials(parseConfig(whole, { file: '/config.yaml' })), 75);
    const base: Record<string, string> = {
      data: 'data:\n  nih: { kind: chestxray14, root: x }\n',
      tasks: 'tasks: { findings: { kind: multilabel } }\n',
      sources: 'sources: { imagenet: { card: c.json } }\n',
    };
    for (const part of parts) {
      const key = /^(\w+):/.exec(part)![1]!;
      const section = key === 'nih' ? `data:\n${part.replaceAll(/^/gm, '  ')}` : part;
      const others = Object.entries(base).filter(([name]) => !section.startsWith(`${name}:`));
      const config = parseConfig(`${others.map(([, value]) => value).join('')}${section}`, {
        file: '/config.yaml',
        environment: { DATA: '/d' },
      });
      assert.ok(countTrials(config) > 0, key);
    }
  });
});
