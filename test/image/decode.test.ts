import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { ThawError } from '../../src/base/errors.js';
import { decodeImage } from '../../src/image/decode.js';
import { contentFault } from '../../src/image/decode-failure.js';
import type { ImageLayout } from '../../src/image/geometry.js';
import { temporaryFolder } from './fixtures.js';
import { encodePng, type PngPixels, pngChunk } from './png.js';

const golden = fileURLToPath(new URL('./golden', import.meta.url));

async function decodeBytes(context: TestContext, name: string, bytes: Uint8Array, layout: ImageLayout) {
  const path = join(await temporaryFolder(context), name);
  await writeFile(path, bytes);
  return [...(await decodeImage(path, layout))];
}

/** A square PNG decoded at its own size: no resampling. */
function decodePng(context: TestContext, image: PngPixels, channels: 1 | 3) {
  return decodeBytes(context, 'image.png', encodePng(image), {
    size: image.width,
    geometry: 'fill',
    channels,
  });
}

async function assertFault(path: string, summary: RegExp, code = 'IMAGE') {
  await assert.rejects(decodeImage(path, { size: 8, geometry: 'fill', channels: 1 }), (error) => {
    assert.ok(error instanceof ThawError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.place.file, path);
    assert.match(error.summary, summary);
    return true;
  });
}

const all256 = Array.from({ length: 256 }, (_, i) => i);

test('8-bit grey stays exact, in one channel and in three', async (t) => {
  const image = { width: 16, height: 16, colour: 'grey', depth: 8, samples: all256 } as const;
  assert.deepEqual(await decodePng(t, image, 1), all256);
  assert.deepEqual(
    await decodePng(t, image, 3),
    all256.flatMap((v) => [v, v, v]),
  );
});

test('16-bit grey becomes the nearest of value / 257, all 65,536 values', async (t) => {
  const samples = Array.from({ length: 65_536 }, (_, i) => i);
  const image = { width: 256, height: 256, colour: 'grey', depth: 16, samples } as const;
  const expected = samples.map((v) => Math.round(v / 257));
  assert.deepEqual(await decodePng(t, image, 1), expected);
  assert.deepEqual(
    await decodePng(t, image, 3),
    expected.flatMap((v) => [v, v, v]),
  );
});

test('1-, 2- and 4-bit grey is stretched to 0–255', async (t) => {
  for (const [depth, step] of [
    [1, 255],
    [2, 85],
    [4, 17],
  ] as const) {
    const side = 4;
    const samples = Array.from({ length: side * side }, (_, i) => i % (1 << depth));
    const image = { width: side, height: side, colour: 'grey', depth, samples } as const;
    assert.deepEqual(
      await decodePng(t, image, 1),
      samples.map((v) => v * step),
    );
  }
});

test('colour: RGB in three channels exact, 16-bit scaled, grey by Rec. 709 luminance of linear light', async (t) => {
  const samples = [255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 100, 50];
  const image = { width: 2, height: 2, colour: 'rgb', depth: 8, samples } as const;
  assert.deepEqual(await decodePng(t, image, 3), samples);
  const deep = { ...image, depth: 16, samples: samples.map((v) => v * 257) } as const;
  assert.deepEqual(await decodePng(t, deep, 3), samples);

  const linear = (v: number) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (r: number, g: number, b: number) => {
    const y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    return 255 * (y <= 0.0031308 ? 12.92 * y : 1.055 * y ** (1 / 2.4) - 0.055);
  };
  const expected = [
    luminance(255, 0, 0),
    luminance(0, 255, 0),
    luminance(0, 0, 255),
    luminance(200, 100, 50),
  ];
  for (const colour of [image, deep]) {
    const grey = await decodePng(t, colour, 1);
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs((grey[i] as number) - value) <= 1, `${grey[i]} ≈ ${value}`);
  }
});

test('RGB with equal channels becomes exactly that grey', async (t) => {
  const samples = all256.flatMap((v) => [v, v, v]);
  assert.deepEqual(
    await decodePng(t, { width: 16, height: 16, colour: 'rgb', depth: 8, samples }, 1),
    all256,
  );
});

test('palette images give their colours', async (t) => {
  const palette = [10, 20, 30, 200, 100, 50, 7, 7, 7];
  const image = { width: 2, height: 2, colour: 'palette', depth: 2, samples: [0, 1, 2, 1], palette } as const;
  assert.deepEqual(await decodePng(t, image, 3), [10, 20, 30, 200, 100, 50, 7, 7, 7, 200, 100, 50]);
});

test('an opaque alpha channel changes nothing, a transparent one shows black', async (t) => {
  const rgba = [90, 60, 30, 255, 90, 60, 30, 0, 200, 100, 50, 51, 1, 2, 3, 255];
  const image = { width: 2, height: 2, colour: 'rgba', depth: 8, samples: rgba } as const;
  assert.deepEqual(await decodePng(t, image, 3), [90, 60, 30, 0, 0, 0, 40, 20, 10, 1, 2, 3]);
  const greyAlpha = [77, 255, 77, 0, 100, 51, 255, 255];
  const grey = { width: 2, height: 2, colour: 'greyAlpha', depth: 8, samples: greyAlpha } as const;
  assert.deepEqual(await decodePng(t, grey, 1), [77, 0, 20, 255]);
  const deep = { ...grey, depth: 16, samples: greyAlpha.map((v) => v * 257) } as const;
  assert.deepEqual(await decodePng(t, deep, 1), [77, 0, 20, 255]);
});

test('an embedded gamma, colour profile or damaged text chunk does not change pixels', async (t) => {
  const text = pngChunk('tEXt', Buffer.from('Comment\0view'));
  text[text.length - 1] = (text.at(-1) as number) ^ 0xff;
  const gamma = pngChunk('gAMA', Uint8Array.from([0, 0, 0x27, 0x10]));
  const profile = pngChunk('iCCP', Buffer.from('broken\0\0no profile'));
  const image = { width: 16, height: 16, colour: 'grey', depth: 8, samples: all256 } as const;
  assert.deepEqual(await decodePng(t, { ...image, chunks: [gamma, profile, text] }, 1), all256);
});

test('all EXIF orientations of a JPEG come out upright', async (t) => {
  // Stored quadrants a b / c d; what is to be seen for each orientation (EXIF 2.3, tag 0x0112).
  const [a, b, c, d] = [40, 90, 160, 230];
  const upright = [
    [a, b, c, d],
    [b, a, d, c],
    [d, c, b, a],
    [c, d, a, b],
    [a, c, b, d],
    [c, a, d, b],
    [d, b, c, a],
    [b, d, a, c],
  ];
  const width = 64;
  const height = 32;
  const pixels = Uint8Array.from({ length: width * height }, (_, p) => {
    const right = p % width >= width / 2;
    return p >= (width * height) / 2 ? (right ? d : c) : right ? b : a;
  });
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 1 } })
    .jpeg({ quality: 100 })
    .toBuffer();
  for (const [i, expected] of upright.entries()) {
    const decoded = await decodeBytes(t, 'image.jpg', withOrientation(jpeg, i + 1), {
      size: 32,
      geometry: 'fill',
      channels: 1,
    });
    const centres = [8 * 32 + 8, 8 * 32 + 24, 24 * 32 + 8, 24 * 32 + 24].map((at) => decoded[at] as number);
    for (const [quadrant, value] of expected.entries()) {
      assert.ok(
        Math.abs((centres[quadrant] as number) - value) <= 2,
        `orientation ${i + 1}: ${centres} ≈ ${expected}`,
      );
    }
  }
});

/** Inserts an APP1 segment with nothing but the orientation after the JPEG's start mark. */
function withOrientation(jpeg: Buffer, orientation: number): Buffer {
  const tiff = Buffer.from('49492a0008000000010012010300010000000000000000000000', 'hex');
  tiff.writeUInt16LE(orientation, 18);
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const mark = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), mark, exif, jpeg.subarray(2)]);
}

test('CMYK JPEG: white is white, red is reddest in the first channel', async (t) => {
  const pixels = Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i < 16 * 4 * 3 || i % 3 === 0 ? 255 : 0));
  const cmyk = await sharp(pixels, { raw: { width: 16, height: 8, channels: 3 } })
    .toColourspace('cmyk')
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
  assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
  const decoded = await decodeBytes(t, 'cmyk.jpg', cmyk, { size: 8, geometry: 'fill', channels: 3 });
  assert.ok(
    decoded.slice(0, 3).every((v) => v >= 250),
    String(decoded.slice(0, 3)),
  );
  const [red = 0, green = 0, blue = 0] = decoded.slice(-3);
  assert.ok(red > 200 && green < 60 && blue < 60, `${red} ${green} ${blue}`);
});

test('TIFF, WebP and GIF; of several pages or frames the first', async (t) => {
  const raw = { width: 16, height: 16, channels: 1 } as const;
  const layout = { size: 16, geometry: 'fill', channels: 1 } as const;
  const source = () => sharp(Uint8Array.from(all256), { raw }).toColourspace('b-w');
  assert.deepEqual(
    await decodeBytes(t, 'a.tif', await source().tiff({ compression: 'lzw' }).toBuffer(), layout),
    all256,
  );
  assert.deepEqual(
    await decodeBytes(t, 'a.webp', await source().webp({ lossless: true }).toBuffer(), layout),
    all256,
  );
  const frames = Buffer.concat([Buffer.alloc(256 * 3, 255), Buffer.alloc(256 * 3, 0)]);
  const gif = await sharp(frames, { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } })
    .gif()
    .toBuffer();
  assert.equal((await sharp(gif).metadata()).pages, 2);
  assert.deepEqual(await decodeBytes(t, 'a.gif', gif, layout), new Array(256).fill(255));
});

test('16-bit TIFF is scaled as 16-bit PNG is; 32-bit and floating point are refused', async () => {
  const layout = { size: 4, geometry: 'fill', channels: 1 } as const;
  // golden/tiff.py: 4 × 4 pixels, value 4369 · i
  const decoded = await decodeImage(join(golden, 'uint16.tif'), layout);
  assert.deepEqual(
    [...decoded],
    Array.from({ length: 16 }, (_, i) => 17 * i),
  );
  await assertFault(join(golden, 'float32.tif'), /8 or 16 bits, received float samples/);
  await assertFault(join(golden, 'int32.tif'), /8 or 16 bits, received int samples/);
});

test('files that are no images are refused with their reason', async (t) => {
  const folder = await temporaryFolder(t);
  const write = async (name: string, bytes: Uint8Array | string) => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const samples = Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 251);
  const png = encodePng({ width: 200, height: 200, colour: 'grey', depth: 8, samples });
  const jpeg = await sharp(png).jpeg().toBuffer();
  const flipped = Buffer.from(png);
  flipped[png.length >> 1] = (flipped[png.length >> 1] as number) ^ 0xff;

  await assertFault(join(folder, 'nothing.png'), /does not exist/);
  await assertFault(await write('empty.png', ''), /empty/);
  await assertFault(await write('text.png', 'this is no picture'), /not an image of a known format/);
  await assertFault(
    await write('half.png', png.subarray(0, png.length >> 1)),
    /damaged or truncated \(vipspng: libpng read error\)/,
  );
  await assertFault(await write('head.png', png.subarray(0, 20)), /damaged or truncated/);
  await assertFault(await write('flipped.png', flipped), /damaged or truncated/);
  await assertFault(
    await write('half.jpg', jpeg.subarray(0, jpeg.length >> 1)),
    /damaged or truncated \(VipsJpeg: premature end/,
  );
  await assertFault(
    await write('scan.png', Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])),
    /transfer syntax|damaged/,
  );
  await mkdir(join(folder, 'folder.png'));
  await assertFault(join(folder, 'folder.png'), /received a folder/);
  await symlink(join(folder, 'loop.png'), join(folder, 'loop.png'));
  await assertFault(join(folder, 'loop.png'), /leads nowhere/);
  const truncatedTiff = await readFile(join(golden, 'strips.tif')).then((bytes) =>
    bytes.subarray(0, bytes.length >> 1),
  );
  await assertFault(await write('half.tif', truncatedTiff), /damaged|truncated/);
});

test('more than 100 megapixels are refused by the header alone', async (t) => {
  const folder = await temporaryFolder(t);
  const small = encodePng({ width: 1, height: 1, colour: 'grey', depth: 1, samples: [1] });
  const header = Buffer.from(small.subarray(16, 29));
  header.writeUInt32BE(10_001, 0);
  header.writeUInt32BE(10_000, 4);
  const bomb = Buffer.concat([small.subarray(0, 8), pngChunk('IHDR', header), small.subarray(33)]);
  await writeFile(join(folder, 'bomb.png'), bomb);
  await assertFault(join(folder, 'bomb.png'), /more than 100 megapixels/);
});

test('names with brackets, spaces and percent signs are read', async (t) => {
  const image = encodePng({ width: 1, height: 1, colour: 'grey', depth: 8, samples: [42] });
  for (const name of ['scan [1].png', 'scan[page=1]', '100%d.png', 'röntgen.png']) {
    assert.deepEqual(await decodeBytes(t, name, image, { size: 1, geometry: 'fill', channels: 1 }), [42]);
  }
});

test("a fault of the machine is not the image's", () => {
  assert.equal(contentFault('a.png', new Error('out of memory --- size == 12MB')).code, 'IO');
  assert.equal(contentFault('a.png', new Error('vipspng: libpng read error')).code, 'IMAGE');
});
