import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { messageOf, ThawError } from '../../../src/base/errors.js';
import { RandomStream, STREAM } from '../../../src/base/random.js';
import { isDicom } from '../../../src/data/dicom-file.js';
import { renderDicom } from '../../../src/image/dicom/render.js';
import { golden, goldenPath } from './golden.js';

const INPUTS = 10_000;
const SECONDS = 60;
const LENGTHS = [0, 1, 0x7fffffff, 0xfffffffe, 0xffffffff, 0x10000, 0xfffeffff];
const SYNTAXES = [
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.2',
  ...new Set(golden.synthetic.map(({ syntax }) => syntax)),
];
const item = (text: string) => Buffer.from(text, 'hex');
/** An undefined-length sequence that opens another one, explicit VR. */
const NESTING = item('0800401153510000fffffffffeff00e0ffffffff');

type Mutation = (bytes: Buffer, random: RandomStream) => Buffer;

const flipped: Mutation = (bytes, random) => {
  const count = 1 + random.integer(8);
  for (let i = 0; i < count; i++) bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
  return bytes;
};
const truncated: Mutation = (bytes, random) => bytes.subarray(0, random.integer(bytes.length));
/** A 4-byte length (or 2-byte one, or anything else) somewhere. */
const lengthened: Mutation = (bytes, random) => {
  bytes.writeUInt32LE(LENGTHS[random.integer(LENGTHS.length)]!, 132 + random.integer(bytes.length - 140));
  return bytes;
};
const nested: Mutation = (bytes, random) => {
  const depth = 1 + random.integer(5000);
  const at = bytes.indexOf(Buffer.from([0x08, 0x00, 0x60, 0x00]));
  const middle = Buffer.concat(Array.from({ length: depth }, () => NESTING));
  return Buffer.concat([bytes.subarray(0, Math.max(at, 0)), middle, bytes.subarray(Math.max(at, 0))]);
};
/** Rows and columns of other sizes, also in the frame header of a codestream. */
const resized: Mutation = (bytes, random) => {
  for (const tag of [0x10, 0x11]) {
    const at = bytes.indexOf(Buffer.from([0x28, 0, tag, 0]));
    if (at > 0 && random.integer(4) > 0) bytes.writeUInt16LE([65535, 0, 1, 9999][random.integer(4)]!, at + 8);
  }
  return bytes;
};
const otherSyntax: Mutation = (bytes, random) => {
  const uid = SYNTAXES[random.integer(SYNTAXES.length)]!;
  const at = bytes.indexOf('1.2.840.10008.1.2', 132 + 100);
  const start = at < 0 ? bytes.indexOf('1.2.840.10008.1.2') : at;
  const length = start < 0 ? 0 : bytes.readUInt16LE(start - 2);
  if (length > 0 && length < 64) bytes.fill(0, start, start + length).write(uid.slice(0, length), start);
  return bytes;
};
/** Both sizes agree, but the compressed data is of a much smaller image. */
const coherentlyHuge: Mutation = (bytes, random) => {
  const siz = bytes.indexOf(item('ff4fff51'));
  const size = 3000 + random.integer(3000);
  for (const tag of [0x10, 0x11]) {
    const at = bytes.indexOf(Buffer.from([0x28, 0, tag, 0]));
    if (at > 0) bytes.writeUInt16LE(size, at + 8);
  }
  if (siz > 0) for (const at of [8, 12]) bytes.writeUInt32BE(size, siz + at);
  return bytes;
};

const COMMON = [flipped, flipped, flipped, truncated, lengthened, resized, otherSyntax];

function mutated(bytes: Buffer, random: RandomStream, i: number): Buffer {
  if (i % 100 === 0) return nested(bytes, random);
  if (i % 1000 === 1) return coherentlyHuge(bytes, random);
  const mutation = COMMON[random.integer(COMMON.length)]!;
  const once = mutation(bytes, random);
  return once.length > 200 && random.integer(4) === 0 ? flipped(once, random) : once;
}

test(`${INPUTS} damaged files: each is read, or refused with a typed error, in bounded time and memory`, () => {
  const files = golden.synthetic.map(({ file }) => readFileSync(goldenPath(file)));
  const begun = process.cpuUsage();
  let read = 0;
  let slowest = 0;
  for (let i = 0; i < INPUTS; i++) {
    const random = new RandomStream(2024, STREAM.split, i);
    const bytes = mutated(Buffer.from(files[i % files.length]!), random, i);
    const started = performance.now();
    try {
      isDicom(bytes);
      const { data, width, height, channels } = renderDicom(bytes);
      assert.equal(data.length, width * height * channels);
      read++;
    } catch (error) {
      if (error instanceof ThawError && error.code === 'IMAGE') continue;
      assert.fail(`input ${i}: ${messageOf(error)}`);
    } finally {
      slowest = Math.max(slowest, performance.now() - started);
    }
  }
  const { user, system } = process.cpuUsage(begun);
  const seconds = (user + system) / 1e6;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${read} of ${INPUTS} read, ${seconds.toFixed(1)} s of CPU, slowest ${slowest.toFixed(0)} ms, peak ${megabytes.toFixed(0)} MB`,
  );
  assert.ok(read > INPUTS / 10 && read < INPUTS, `${read} were read`);
  assert.ok(seconds < SECONDS, `${seconds} s`);
  assert.ok(megabytes < 2048, `${megabytes} MB`);
});
