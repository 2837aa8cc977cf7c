/**
 * `npm run bench -- <name>`: runs the benchmark bench/<name>.ts, whose exported `run` prints its own figures. Without a
 * name, lists what there is.
 */

import { readdirSync } from 'node:fs';

/** What a benchmark file exports. */
interface Benchmark {
  /** One line that says what is measured. */
  readonly about?: string;
  /** `args` are the words after the benchmark's name. */
  run(args: readonly string[]): void | Promise<void>;
}

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && names.includes(name)) {
  await (await load(name)).run(args);
} else {
  console.log('npm run bench -- <name>, where <name> is one of:');
  for (const each of names) console.log(`  ${each.padEnd(12)} ${(await load(each)).about ?? ''}`);
  if (name !== undefined) process.exitCode = 1;
}

async function load(benchmark: string): Promise<Benchmark> {
  return (await import(`./${benchmark}.ts`)) as Benchmark;
}
