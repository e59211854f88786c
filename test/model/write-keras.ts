import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';
import { inMemory } from '../../src/model/weights/byte-source.js';
import { openStoredArchive } from '../../src/model/weights/stored-archive.js';

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

type Library = typeof import('h5wasm');

/** Bytes of an HDF5 file that `fill` has written. */
async function h5(fill: (file: InstanceType<Library['File']>) => void): Promise<Uint8Array> {
  const library = await import('h5wasm');
  const module = await library.ready;
  const file = new library.File('/made.h5', 'w');
  fill(file);
  file.close();
  const bytes = Uint8Array.from(module.FS.readFile('/made.h5') as unknown as Uint8Array);
  module.FS.unlink('/made.h5');
  return bytes;
}

/** An HDF5 file with these arrays, in groups by the slashes of their names. */
export function kerasH5(arrays: ReadonlyMap<string, Numbers>): Promise<Uint8Array> {
  return h5((file) => {
    const groups = new Set<string>();
    for (const [name, { shape, data }] of arrays) {
      const parts = name.split('/');
      for (let depth = 1; depth < parts.length; depth++) {
        const group = parts.slice(0, depth).join('/');
        if (!groups.has(group)) file.create_group(group);
        groups.add(group);
      }
      file.create_dataset({ name, data, shape: [...shape] });
    }
  });
}

/** A file whose one group is a link into another file. */
export function linked(path: string): Promise<Uint8Array> {
  return h5((file) => file.create_external_link(path, '/conv1_bn', 'conv1_bn'));
}

/** A file that claims an array of this shape, none of which is stored. */
export function huge(shape: readonly number[]): Promise<Uint8Array> {
  return h5((file) => {
    file.create_group('conv1_bn');
    const chunks = shape.map(() => 16);
    const maxshape = shape.map(() => null);
    file.create_dataset({
      name: 'conv1_bn/gamma',
      data: Float32Array.of(1),
      shape: shape.map(() => 1),
      maxshape,
      chunks,
    });
    (file.get('conv1_bn/gamma') as InstanceType<Library['Dataset']>).resize([...shape]);
  });
}

/** The weights within a `.keras` archive. */
export async function unpacked(path: string): Promise<Uint8Array> {
  const archive = await openStoredArchive(inMemory(readFileSync(path)), path, 'Keras');
  return archive.read('model.weights.h5');
}

/** The arrays of a `.npz` of float32 in C order, as numpy wrote them. */
export async function arraysOf(path: string): Promise<[string, Numbers][]> {
  const bytes = readFileSync(path);
  const zip = await fromBufferPromise(bytes);
  const archive = await openStoredArchive(inMemory(bytes), path, 'numpy', { deflated: true });
  const arrays: [string, Numbers][] = [];
  for await (const { fileName } of zip.eachEntry()) {
    const member = Buffer.from(await archive.read(fileName));
    const start = 10 + member.readUInt16LE(8);
    const [, lengths = ''] = /'shape': \(([^)]*)\)/.exec(member.toString('latin1', 10, start)) ?? [];
    const shape = [...lengths.matchAll(/\d+/g)].map(Number);
    const data = new Float32Array(Uint8Array.from(member.subarray(start)).buffer);
    arrays.push([fileName.slice(0, -'.npy'.length), { shape, data }]);
  }
  return arrays;
}

/** One array in numpy's format; the data are as `type` and `fortran` say. */
export function npy({ shape, data }: Numbers, type = typeOf(data), fortran = false): Buffer {
  const text = `{'descr': '${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const header = Buffer.from(`${text.padEnd(117 + 64 * Math.ceil(Math.max(0, text.length - 117) / 64))}\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, header, bytes]);
}

function typeOf(data: Numbers['data']): string {
  if (data instanceof Float32Array) return '<f4';
  return data instanceof Float64Array ? '<f8' : '<i4';
}

/** A zip archive of stored members, as `numpy.savez` writes it. */
export function npz(arrays: ReadonlyMap<string, Numbers | Buffer>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, array] of arrays) {
    const content = Buffer.isBuffer(array) ? array : npy(array);
    const file = Buffer.from(`${name}.npy`);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(file.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), fields, file, content);
    const place = Buffer.alloc(16);
    place.writeUInt32LE(offset, 12);
    directory.push(
      Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
      fields.subarray(0, 26),
      place.subarray(2),
      file,
    );
    offset += 4 + fields.length + file.length + content.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(arrays.size, 8);
  end.writeUInt16LE(arrays.size, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
