import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A process of which one JSON line is asked at a time, and which answers with one. */
export class JsonProcess {
  private readonly process: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;
  private readonly name: string;

  constructor(command: string, words: readonly string[]) {
    this.name = words.at(-1) ?? command;
    this.process = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ask<Answer>(question: object): Promise<Answer> {
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.answers.next();
    if (done === true) throw new Error(`${this.name} ended without an answer`);
    return JSON.parse(value) as Answer;
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.stdin.end();
    await exited;
  }
}

/** Path of a script of bench/peers. */
export function peerScript(file: string): string {
  return fileURLToPath(new URL(`peers/${file}`, import.meta.url));
}
