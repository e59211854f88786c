import { ThawError } from '../../base/errors.js';
import { type DenseNetLayout, densenetBC } from './densenet.js';
import { type ResNetLayout, smallResNet } from './resnet.js';

/** How the small members are written, for messages. */
export const SMALL_MEMBERS = ['densenet-bc(depth, growth, compression)', 'resnet(width, [blocks, ...])'];

export type SmallMember =
  | { readonly family: 'densenet-bc'; readonly name: string; readonly layout: DenseNetLayout }
  | { readonly family: 'resnet'; readonly name: string; readonly layout: ResNetLayout };

/**
 * The small network with 3×3 stem that an architecture's name spells out, such as `densenet-bc(100, 12, 0.5)` or
 * `resnet(16, [2, 2, 2])`; spaces do not matter, and `name` is without them. Undefined where `text` is no such name.
 * Throws MODEL for numbers that are out of range, naming the number.
 */
export function smallMember(text: string): SmallMember | undefined {
  const name = text.replace(/\s+/g, '');
  const [, family, list] = /^(densenet-bc|resnet)\((.*)\)$/.exec(name) ?? [];
  if (family === undefined || list === undefined) return undefined;
  if (family === 'resnet') return { family, name, layout: residual(name, list) };
  return { family: 'densenet-bc', name, layout: dense(name, list) };
}

function dense(name: string, list: string): DenseNetLayout {
  const numbers = list.split(',');
  if (numbers.length !== 3) throw malformed(name);
  const [first = '', second = '', third = ''] = numbers;
  const depth = whole(name, 'depth', first, 10, 1000);
  if ((depth - 4) % 6 !== 0)
    throw fault(name, `a depth of 6n + 4 (10, 16, 22, … 40, 100, 190), received ${depth}`);
  const growth = whole(name, 'growth', second, 1, 512);
  const compression = /^\d*\.?\d+$/.test(third) ? Number(third) : Number.NaN;
  if (!(compression > 0 && compression <= 1))
    throw fault(name, `a compression above 0 and up to 1, received "${third}"`);
  return densenetBC({ depth, growth, compression });
}

function residual(name: string, list: string): ResNetLayout {
  const [, first = '', second] = /^([^,[\]]*),\[([^[\]]*)\]$/.exec(list) ?? [];
  if (second === undefined) throw malformed(name);
  const blocks = second.split(',').map((count) => whole(name, 'number of blocks', count, 1, 200));
  if (blocks.length > 6) throw fault(name, `1 to 6 layers, received ${blocks.length}`);
  return smallResNet(whole(name, 'width', first, 1, 1024), blocks);
}

function whole(name: string, what: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw fault(name, `a ${what} from ${least} to ${most}, received "${text}"`);
}

function malformed(name: string): ThawError {
  return new ThawError('MODEL', `expects ${SMALL_MEMBERS.join(' or ')}, received "${name}".`);
}

function fault(name: string, expected: string): ThawError {
  return new ThawError('MODEL', `the architecture "${name}" expects ${expected}.`);
}
