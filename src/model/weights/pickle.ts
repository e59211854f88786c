import { ThawError } from '../../base/errors.js';
import { OPCODE, opcodeName } from './pickle-opcodes.js';
import { PickleReader } from './pickle-reader.js';
import {
  CONTAINERS,
  describe,
  filled,
  OrderedDict,
  PickleName,
  pickleFault,
  Tuple,
} from './pickle-values.js';

export interface PickleRules {
  /** The meaning of `module.name`; undefined = refused. */
  readonly find: (name: string) => PickleName | undefined;
  /** The object that lies outside the pickle under an id. */
  readonly persistent: (id: unknown) => unknown;
}

/** More steps than a state dict of 100,000 tensors takes; they bound the memory of a hostile pickle. */
const MOST_STEPS = 4_000_000;

/** Stands for "no value" where a value may be anything. */
const NOTHING = Symbol('nothing');

/**
 * Reads one pickle (protocols 2 to 5) that begins at byte `start`; `end` is the byte behind it. It is a restricted reader:
 * nothing is ever executed, and only dicts, lists, tuples, sets, strings, bytes, numbers, booleans, None and what `rules` give
 * can come out. Objects are kept in a table as the pickle says, so they may contain themselves: whoever walks over the
 * value must bound the depth.
 * Throws MODEL, with the name, for every other class, function or state that the pickle asks for; `PickleCutShort` where the
 * bytes end before the pickle does.
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  rules: PickleRules,
): { readonly value: unknown; readonly end: number } {
  const machine = new PickleMachine(new PickleReader(bytes, start), rules);
  const value = machine.run();
  return { value, end: machine.position };
}

class PickleMachine {
  private stack: unknown[] = [];
  /** Stacks that wait below a mark. */
  private readonly waiting: unknown[][] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(
    private readonly input: PickleReader,
    private readonly rules: PickleRules,
  ) {}

  get position(): number {
    return this.input.position;
  }

  run(): unknown {
    for (let step = 0; step < MOST_STEPS; step++) {
      const code = this.input.byte();
      if (code === OPCODE.STOP) return this.pop();
      this.step(code);
    }
    throw pickleFault(`takes more than ${MOST_STEPS} steps, far more than weights need`);
  }

  private step(code: number): void {
    const value = this.valueOf(code);
    if (value !== NOTHING) this.stack.push(value);
    else if (!this.fill(code) && !this.keep(code)) this.make(code);
  }

  /** The number, string, constant or new container that an opcode stands for. */
  private valueOf(code: number): unknown {
    const { input } = this;
    switch (code) {
      case OPCODE.NONE:
        return null;
      case OPCODE.NEWTRUE:
        return true;
      case OPCODE.NEWFALSE:
        return false;
      case OPCODE.BININT:
        return input.int32();
      case OPCODE.BININT1:
        return input.byte();
      case OPCODE.BININT2:
        return input.uint16();
      case OPCODE.LONG1:
        return input.long(input.byte());
      case OPCODE.LONG4:
        return input.long(input.int32());
      case OPCODE.BINFLOAT:
        return input.double();
      case OPCODE.BINUNICODE:
        return input.text(input.uint32(), 'utf8');
      case OPCODE.SHORT_BINUNICODE:
        return input.text(input.byte(), 'utf8');
      case OPCODE.BINUNICODE8:
        return input.text(input.uint64(), 'utf8');
      case OPCODE.BINSTRING:
        return input.text(input.int32(), 'latin1');
      case OPCODE.SHORT_BINSTRING:
        return input.text(input.byte(), 'latin1');
      case OPCODE.BINBYTES:
        return input.bytes(input.uint32());
      case OPCODE.SHORT_BINBYTES:
        return input.bytes(input.byte());
      case OPCODE.BINBYTES8:
      case OPCODE.BYTEARRAY8:
        return input.bytes(input.uint64());
      case OPCODE.EMPTY_LIST:
        return [];
      case OPCODE.EMPTY_TUPLE:
        return new Tuple([]);
      case OPCODE.EMPTY_DICT:
        return new Map();
      case OPCODE.EMPTY_SET:
        return new Set();
      case OPCODE.LIST:
        return this.popMarked();
      case OPCODE.TUPLE:
        return new Tuple(this.popMarked());
      case OPCODE.TUPLE1:
      case OPCODE.TUPLE2:
      case OPCODE.TUPLE3:
        return new Tuple(Array.from({ length: code - OPCODE.TUPLE1 + 1 }, () => this.pop()).reverse());
      case OPCODE.FROZENSET:
        return new Set(this.popMarked());
      case OPCODE.DICT:
        return filled(new Map(), this.popMarked());
      case OPCODE.DUP:
        return this.top();
      case OPCODE.BINGET:
        return this.remembered(input.byte());
      case OPCODE.LONG_BINGET:
        return this.remembered(input.uint32());
      default:
        return NOTHING;
    }
  }

  /** Puts values into the container below them; false for any other opcode. */
  private fill(code: number): boolean {
    switch (code) {
      case OPCODE.APPEND:
        this.append([this.pop()]);
        return true;
      case OPCODE.APPENDS:
        this.append(this.popMarked());
        return true;
      case OPCODE.ADDITEMS:
        this.addItems(this.popMarked());
        return true;
      case OPCODE.SETITEM:
        this.setItems([this.pop(), this.pop()].reverse());
        return true;
      case OPCODE.SETITEMS:
        this.setItems(this.popMarked());
        return true;
      default:
        return false;
    }
  }

  /** Marks, drops or remembers values, or says how the pickle is packed; false for any other opcode. */
  private keep(code: number): boolean {
    const { input } = this;
    switch (code) {
      case OPCODE.PROTO: {
        const protocol = input.byte();
        if (protocol < 2 || protocol > 5) throw pickleFault(`has protocol ${protocol}; 2 to 5 are read`);
        return true;
      }
      case OPCODE.FRAME:
        input.uint64();
        return true;
      case OPCODE.MARK:
        this.waiting.push(this.stack);
        this.stack = [];
        return true;
      case OPCODE.POP:
        if (this.stack.length > 0) this.pop();
        else this.popMarked();
        return true;
      case OPCODE.POP_MARK:
        this.popMarked();
        return true;
      case OPCODE.BINPUT:
        this.memo.set(input.byte(), this.top());
        return true;
      case OPCODE.LONG_BINPUT:
        this.memo.set(input.uint32(), this.top());
        return true;
      case OPCODE.MEMOIZE:
        this.memo.set(this.memo.size, this.top());
        return true;
      default:
        return false;
    }
  }

  /** Looks names up and calls them, as far as the rules allow. */
  private make(code: number): void {
    switch (code) {
      case OPCODE.GLOBAL: {
        const module = this.input.line();
        this.stack.push(this.find(`${module}.${this.input.line()}`));
        break;
      }
      case OPCODE.STACK_GLOBAL: {
        const name = this.pop();
        const module = this.pop();
        if (typeof name !== 'string' || typeof module !== 'string')
          throw pickleFault('names a class by no string');
        this.stack.push(this.find(`${module}.${name}`));
        break;
      }
      case OPCODE.REDUCE:
        this.reduce();
        break;
      case OPCODE.BUILD:
        this.build();
        break;
      case OPCODE.BINPERSID:
        this.stack.push(this.rules.persistent(this.pop()));
        break;
      case OPCODE.INST:
        throw refused(`${this.input.line()}.${this.input.line()}`);
      case OPCODE.NEWOBJ:
      case OPCODE.NEWOBJ_EX:
      case OPCODE.OBJ:
        throw refused(`a new object after ${describe(this.top())}`);
      default:
        throw pickleFault(
          `has the opcode ${opcodeName(code)} at byte ${this.position - 1}, which weights never use`,
        );
    }
  }

  private find(name: string): PickleName {
    const found = CONTAINERS.find((known) => known.name === name) ?? this.rules.find(name);
    if (found === undefined) throw refused(name);
    return found;
  }

  private reduce(): void {
    const args = this.pop();
    const target = this.pop();
    if (!(target instanceof PickleName) || target.call === undefined)
      throw refused(`a call of ${describe(target)}`);
    if (!(args instanceof Tuple)) throw pickleFault(`calls ${target.name} without a tuple of arguments`);
    this.stack.push(target.call(args.items));
  }

  private build(): void {
    const state = this.pop();
    if (!(this.top() instanceof OrderedDict) || !(state instanceof Map))
      throw refused(`a state for ${describe(this.top())}`);
  }

  private append(items: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw pickleFault(`appends to ${describe(list)}`);
    for (const item of items) list.push(item);
  }

  private addItems(items: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw pickleFault(`adds to ${describe(set)}`);
    for (const item of items) set.add(item);
  }

  private setItems(items: readonly unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw pickleFault(`sets items of ${describe(map)}`);
    filled(map, items);
  }

  private pop(): unknown {
    if (this.stack.length === 0) throw pickleFault('takes a value from an empty stack');
    return this.stack.pop();
  }

  private top(): unknown {
    if (this.stack.length === 0) throw pickleFault('looks at a value of an empty stack');
    return this.stack.at(-1);
  }

  private popMarked(): unknown[] {
    const below = this.waiting.pop();
    if (below === undefined) throw pickleFault('goes back to a mark that it has not set');
    const items = this.stack;
    this.stack = below;
    return items;
  }

  private remembered(index: number): unknown {
    if (!this.memo.has(index)) throw pickleFault(`recalls object ${index}, which it has not stored`);
    return this.memo.get(index);
  }
}

function refused(what: string): ThawError {
  const shown = JSON.stringify(what.slice(0, 120)).slice(1, -1);
  return new ThawError(
    'MODEL',
    `the pickle asks for ${shown}, which is refused: it is no tensor, container or number.`,
    {
      hint: 'Nothing was executed. If you trust the file, load it in Python and save the weights alone: torch.save(model.state_dict(), "weights.pth").',
    },
  );
}
