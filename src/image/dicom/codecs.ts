import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { messageOf, ThawError } from '../../base/errors.js';

export type Codec = 'Jpeg' | 'JpegLs' | 'Jpeg2000';

/** What the codec is told about the image. */
export interface CodedImage {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly precision: number;
  readonly signed: boolean;
}

/** The part of the platform's WebAssembly that is used here; TypeScript keeps its types with those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, object>>);
    readonly exports: object;
  }
}

type Exports = Readonly<Record<string, (...values: number[]) => number>> & {
  readonly memory: { readonly buffer: ArrayBuffer };
};

const WASM = 'dcmjs-codecs/build/dcmjs-native-codecs.wasm';
/** 100 megapixels of JPEG 2000 need some 1.2 GB; whatever wants more is damaged. */
const MOST_MEMORY = 2 ** 31;
/** An instance that has grown beyond this is not kept: WebAssembly memory never shrinks. */
const KEPT_MEMORY = 2 ** 29;
/** Other messages tell what the codec is doing. */
const WARNING = /Corrupt JPEG data|Premature end|Invalid SOS|Inconsistent|CallbackWarning/;

/**
 * The JPEG, JPEG-LS and JPEG 2000 decoders of dcmjs-codecs. Its WebAssembly module is used directly: the JavaScript around it
 * loads a second DICOM library, gives warnings to the console, and goes on with an instance whose stack and memory an error
 * has left in disorder. Here an instance that failed is never used again.
 */
export class Codecs {
  private readonly module = loadModule();
  private instance: Instance | undefined;

  /**
   * Decodes one image to cells of 1 byte (precision up to 8) or 2 bytes (little endian), interleaved, without any change of
   * colours. The image must be as the codestream says. Throws an error with the codec's words; warnings are errors.
   */
  decode(codec: Codec, encoded: Uint8Array, image: CodedImage): Uint8Array {
    this.instance ??= new Instance(this.module);
    const { instance } = this;
    this.instance = undefined;
    const decoded = instance.decode(codec, encoded, image);
    if (instance.memoryBytes <= KEPT_MEMORY) this.instance = instance;
    return decoded;
  }
}

class Instance {
  private readonly exports: Exports;
  private readonly warnings: string[] = [];

  constructor(module: WebAssembly.Module) {
    const note = (start: number, length: number) => {
      const message = this.text(start, length);
      if (WARNING.test(message)) this.warnings.push(message);
    };
    const fail = (message: string): never => {
      throw new Error(message);
    };
    const instance = new WebAssembly.Instance(module, {
      env: {
        onCodecsException: (start: number, length: number) => fail(this.text(start, length)),
        onCodecsInfo: note,
        onCodecsTrace: () => {},
        emscripten_notify_memory_growth: () => {
          if (this.memoryBytes > MOST_MEMORY) fail('it needs more than 2 GB of memory');
        },
      },
      wasi_snapshot_preview1: {
        proc_exit: (status: number) => fail(`the decoder ended with status ${status}`),
        environ_sizes_get: (count: number, size: number) => {
          const view = new DataView(this.exports.memory.buffer);
          view.setUint32(count, 0, true);
          view.setUint32(size, 0, true);
          return 0;
        },
        environ_get: () => 0,
        clock_time_get: () => 0,
        fd_write: (_file: number, parts: number, count: number, written: number) => {
          const view = new DataView(this.exports.memory.buffer);
          let total = 0;
          for (let part = 0; part < count; part++) total += view.getUint32(parts + 8 * part + 4, true);
          view.setUint32(written, total, true);
          return 0;
        },
        fd_seek: () => 0,
        fd_close: () => 0,
      },
    });
    this.exports = instance.exports as Exports;
    this.exports._initialize!();
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  decode(codec: Codec, encoded: Uint8Array, image: CodedImage): Uint8Array {
    const { exports } = this;
    const context = exports.CreateCodecsContext!();
    const set = (name: string, value: number) => exports[`Set${name}`]!(context, value);
    set('Columns', image.width);
    set('Rows', image.height);
    set('BitsAllocated', image.precision > 8 ? 16 : 8);
    set('BitsStored', image.precision);
    set('SamplesPerPixel', image.components);
    set('PixelRepresentation', image.signed ? 1 : 0);
    set('PlanarConfiguration', 0);
    set('EncodedBufferSize', encoded.length);
    new Uint8Array(exports.memory.buffer).set(encoded, exports.GetEncodedBuffer!(context) >>> 0);
    const parameters = exports.CreateDecoderParameters!();
    exports.SetConvertColorspaceToRgb!(parameters, 0);
    this.run(codec, context, parameters);
    const start = exports.GetDecodedBuffer!(context) >>> 0;
    const length = exports.GetDecodedBufferSize!(context) >>> 0;
    const decoded = new Uint8Array(exports.memory.buffer).slice(start, start + length);
    exports.ReleaseDecoderParameters!(parameters);
    exports.ReleaseCodecsContext!(context);
    return decoded;
  }

  private run(codec: Codec, context: number, parameters: number): void {
    this.warnings.length = 0;
    try {
      this.exports[`Decode${codec}`]!(context, parameters);
    } catch (cause) {
      throw new Error(this.warnings[0] === undefined ? plain(messageOf(cause)) : plain(this.warnings[0]), {
        cause,
      });
    }
    if (this.warnings[0] !== undefined) throw new Error(plain(this.warnings[0]));
  }

  private text(start: number, length: number): string {
    return Buffer.from(this.exports.memory.buffer, start, length).toString('latin1');
  }
}

function loadModule(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve(WASM)));
  } catch (cause) {
    throw new ThawError('RUNTIME', `the decoders for DICOM cannot be loaded: ${messageOf(cause)}.`, {
      hint: "Set the checkout up again ('npm run setup').",
      cause,
    });
  }
}

/** Without the names of the library's functions; a trap of WebAssembly says nothing to a user. */
function plain(message: string): string {
  const words = message.replace(/^(\w+::)+/, '').trim();
  return /^(unreachable|memory access out of bounds|table index)/.test(words)
    ? 'damaged or truncated'
    : words;
}
