/**
 * Disks that are full when a test says so. The one is a file system of a few megabytes in memory, in a mount namespace of
 * its own, which Linux lets most users make; the other limits how large a file of a process may become, which it lets
 * everybody do. SQLite tells the two apart (SQLITE_FULL, and SQLITE_IOERR_WRITE as for a quota), so both are tested.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder, removeFolder } from './folder.ts';
import { Remote } from './remote.ts';

/** While a command is waited for, no limit of the test's own can fire. */
const BOUNDED = { timeout: 15_000 } as const;

export interface SmallDisk {
  /** An attachment that does not fit when it is full. */
  readonly tooLargeBytes: number;
  /** What a store of it says when a message, and when an attachment, finds no room. */
  readonly says: { readonly message: RegExp; readonly attachment: RegExp };
  /** A store of the disk, in a process of its own. */
  start(name: string): Remote;
  /** Leaves so little room, also for a process that is at work. */
  fill(leaveBytes: number, remote?: Remote): void;
  makeRoom(remote?: Remote): void;
  /** The files in one of its folders. */
  list(folder: string): string[];
  end(): Promise<void>;
}

/** Null where the machine does not allow it. */
export async function smallFileSystem(): Promise<SmallDisk | null> {
  const asRoot = process.geteuid?.() === 0;
  return (asRoot ? await mounted([]) : null) ?? (await mounted(['--user', '--map-root-user']));
}

/** Room for what a store holds three times: in its log, and while that is brought into the database. */
const SMALL_BYTES = 16_000_000;

async function mounted(unshareOptions: readonly string[]): Promise<SmallDisk | null> {
  const folder = makeFolder();
  // It lives as long as the process that holds it, which ends with its input.
  const script = `mount -t tmpfs -o size=${SMALL_BYTES},mode=700 tmpfs "$1" && echo mounted && exec cat`;
  const keeper = spawn('unshare', [...unshareOptions, '--mount', 'sh', '-c', script, 'sh', folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<null>((resolve) =>
    keeper.once('error', () => resolve(null)).once('close', () => resolve(null)),
  );
  const end = async (): Promise<void> => {
    keeper.stdin.end();
    await ended;
    removeFolder(folder);
  };
  if ((await Promise.race([once(keeper.stdout, 'data'), ended])) === null) {
    await end();
    return null;
  }
  const enter = ['nsenter', '--target', String(keeper.pid), '--mount'];
  if (unshareOptions.length > 0) enter.push('--user', '--preserve-credentials');
  // As it is seen from outside.
  const seen = path.join('/proc', String(keeper.pid), 'root', folder);
  const filler = path.join(seen, 'filler');
  return {
    tooLargeBytes: 500_000,
    says: {
      message: /no room left .*\((database or disk is full, 13|ENOSPC at write)\)/,
      attachment: /no room left .*\(ENOSPC at write\)/,
    },
    start: (name) => new Remote(path.join(folder, name), [...enter, '--']),
    fill(leaveBytes) {
      const { bavail, bsize } = fs.statfsSync(seen);
      fs.appendFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
    },
    makeRoom: () => fs.rmSync(filler, { force: true }),
    list: (name) => fs.readdirSync(path.join(seen, name)),
    end,
  };
}

export function limitedFiles(): SmallDisk {
  const folder = makeFolder();
  let limitBytes = 0;
  const limit = (): string => `--fsize=${limitBytes === 0 ? 'unlimited' : limitBytes}:`;
  const apply = (remote: Remote | undefined): void => {
    if (remote !== undefined) execFileSync('prlimit', ['--pid', String(remote.pid), limit()], BOUNDED);
  };
  const sizes = (): number[] =>
    fs
      .readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('-wal') || name.endsWith('-log'))
      .map((name) => fs.statSync(path.join(folder, name)).size);
  return {
    tooLargeBytes: 4_000_000,
    says: {
      message: /(\(disk I\/O error, 778\): there is no room|no room left .*\(EFBIG at write\))/,
      attachment: /no room left .*\(EFBIG at write\)/,
    },
    start: (name) => new Remote(path.join(folder, name), ['prlimit', limit()]),
    fill(leaveBytes, remote) {
      // Of a store at work, what grows are the logs; of any other, no page fits.
      limitBytes = Math.max(1000, ...(remote === undefined ? [] : sizes())) + leaveBytes;
      apply(remote);
    },
    makeRoom(remote) {
      limitBytes = 0;
      apply(remote);
    },
    list: (name) => fs.readdirSync(path.join(folder, name)),
    async end() {
      removeFolder(folder);
    },
  };
}
