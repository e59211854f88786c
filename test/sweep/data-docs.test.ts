import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseConfig } from '../../src/sweep/read-config.js';

const guide = readFileSync(new URL('../../docs/data.md', import.meta.url), 'utf8');

/** The `yaml` blocks of the guide that describe one data set, by kind. */
const blocks = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) => {
  const kind = /^ {4}kind: (\S+)$/m.exec(text)?.[1];
  return kind === undefined ? [] : [{ kind, text: text.replace(/^data:\n {2}\w+:\n/, '') }];
});

const configWith = (entry: string) => `data:\n  own:\n${entry}
tasks: { findings: { kind: multilabel } }
sources: { imagenet: { card: card.json } }
`;
const parse = (entry: string) => parseConfig(configWith(entry), { file: 'guide.yaml' });

/** All kinds, from the message that an unknown one is answered with. */
function kindsOfSchema(): string[] {
  let message = '';
  try {
    parse('    kind: nothing-of-the-sort');
  } catch (error) {
    message = String(error);
  }
  return (/expected one of (.*), received 'nothing-of-the-sort'/.exec(message)?.[1] ?? '').split(', ');
}

/** `    # key: value     # what it means` → the line that it stands for; text after three blanks is no value. */
const OPTION = /^ {4}# ([A-Za-z]+: .*?)(?: {3,}.*)?$/;

describe('docs/data.md', () => {
  const kinds = kindsOfSchema();

  it('the schema names its kinds', () => {
    assert.ok(kinds.includes('chestxray14') && kinds.includes('mura'), String(kinds));
  });

  for (const kind of kinds) {
    it(`has an entry of kind ${kind} that the schema accepts, and so each option in it`, () => {
      const own = blocks.filter((block) => block.kind === kind);
      assert.ok(own.length > 0, `no yaml block with 'kind: ${kind}'`);
      for (const { text } of own) {
        assert.equal(parse(text).data.own!.source.kind, kind);
        const lines = text.split('\n');
        for (const [index, line] of lines.entries()) {
          const option = OPTION.exec(line)?.[1];
          if (option !== undefined) parse(lines.with(index, `    ${option}`).join('\n'));
        }
      }
    });
  }

  it('an option that the schema does not know would be noticed', () => {
    assert.throws(() => parse('    kind: mura\n    root: a\n    bones: [wrist]'), /expected one of .*parts/);
  });
});
