/**
 * What can be wrong with a store on disk, in the reader's words: a table of sentences, and the reading of SQLite's and the
 * system's errors. No sentence holds anything of a message.
 */
import { UshotError } from '../../errors.ts';

interface Sentence {
  readonly en: string;
  readonly ko: string;
}

/** What is left to do when the files of a store do not belong together any more. */
const remedy = {
  en: 'stop Node-RED, keep a copy, then restore a backup of all files of the store (-log, -wal and -attachments, too), or move all of them away to begin anew',
  ko: 'Node-RED를 멈추고 사본을 남긴 뒤, 저장소의 모든 파일(-log, -wal, -attachments 포함)을 백업에서 되돌리거나 모두 다른 곳으로 옮겨 새로 시작하세요',
} as const satisfies Sentence;

const problems = {
  inUse: {
    en: 'another process (pid {pid}) uses {file}; stop that one, or give each its own folder',
    ko: '다른 프로세스(pid {pid})가 {file} 파일을 쓰고 있습니다. 그 프로세스를 멈추거나 폴더를 따로 지정하세요',
  },
  inUseHere: {
    en: '{file} is open in this process already',
    ko: '{file} 파일이 이 프로세스에서 이미 열려 있습니다',
  },
  newer: {
    en: '{file} was written by a newer version (schema {found}, this version knows {known}); install that version again',
    ko: '{file} 파일은 더 새로운 버전이 만든 것입니다(스키마 {found}, 이 버전은 {known}까지). 그 버전을 다시 설치하세요',
  },
  foreign: {
    en: '{file} is not a store of this software, or is damaged; move it away, and keep it',
    ko: '{file} 파일은 이 소프트웨어의 저장 파일이 아니거나 손상되었습니다. 지우지 말고 다른 곳으로 옮기세요',
  },
  damaged: {
    en: '{file} is damaged ({detail}); stop, keep a copy of it with its -log and -wal files, then restore a backup or move it away',
    ko: '{file} 파일이 손상되었습니다({detail}). 멈춘 뒤 -log, -wal 파일과 함께 복사해 두고, 백업을 되돌리거나 다른 곳으로 옮기세요',
  },
  logDamaged: {
    en: `{file} is damaged at byte {at}: messages that were taken stand behind that and cannot be read safely; ${remedy.en}`,
    ko: `{file} 파일이 {at}바이트 위치에서 손상되어 그 뒤에 보관된 메시지를 안전하게 읽을 수 없습니다. ${remedy.ko}`,
  },
  logLost: {
    en: `{file} is missing or empty, though the store was not closed: messages that were taken may have been in it; ${remedy.en}`,
    ko: `저장소가 정상적으로 닫히지 않았는데 {file} 파일이 없거나 비어 있습니다. 보관된 메시지가 들어 있었을 수 있습니다. ${remedy.ko}`,
  },
  behind: {
    en: `{file} is newer than its database, which has lost messages that were taken, as when its -wal file was deleted or damaged; ${remedy.en}`,
    ko: `데이터베이스가 {file} 파일보다 오래되었습니다. -wal 파일이 지워지거나 손상되어 보관된 메시지를 잃은 것으로 보입니다. ${remedy.ko}`,
  },
  emptied: {
    en: `{file} is missing or empty, though the -log or -wal file beside it says that there was a store; ${remedy.en}`,
    ko: `{file} 파일이 없거나 비어 있는데, 옆에 있는 -log나 -wal 파일을 보면 저장소가 있었습니다. ${remedy.ko}`,
  },
  gone: {
    en: '{file} was deleted or moved while it was in use: nothing that is written now would be found again; stop Node-RED, put all files of the store back (from a backup, say), or move away what is left of them to begin anew',
    ko: '쓰고 있던 {file} 파일이 지워졌거나 옮겨졌습니다. 지금 기록해도 다시 찾을 수 없습니다. Node-RED를 멈춘 뒤 백업 등으로 저장소 파일을 모두 되돌리거나, 남은 파일을 다른 곳으로 옮겨 새로 시작하세요',
  },
  readOnly: {
    en: '{file} cannot be written ({detail}); check the permissions of the file and its folder',
    ko: '{file} 파일에 쓸 수 없습니다({detail}). 파일과 폴더의 권한을 확인하세요',
  },
  full: {
    en: 'there is no room left for {file} ({detail}); free some space on that disk',
    ko: '{file} 파일을 쓸 공간이 없습니다({detail}). 디스크의 여유 공간을 늘리세요',
  },
  unwritten: {
    en: '{file} could not be written ({detail}): there is no room for it, as with a quota that is used up, or the disk fails; free some space, and check the disk',
    ko: '{file} 파일에 쓰지 못했습니다({detail}). 할당량을 다 쓰는 등 공간이 없거나 디스크에 이상이 있습니다. 여유 공간을 늘리고 디스크를 확인하세요',
  },
  unreachable: {
    en: '{file} cannot be read or written ({detail}); check the disk and the room on it',
    ko: '{file} 파일을 읽거나 쓸 수 없습니다({detail}). 디스크와 여유 공간을 확인하세요',
  },
  notOpen: { en: 'the store is not open', ko: '저장소가 열려 있지 않습니다' },
  threadEnded: {
    en: 'the thread of the store ended ({detail}); restart Node-RED',
    ko: '저장소 스레드가 끝났습니다({detail}). Node-RED를 다시 시작하세요',
  },
} as const satisfies Record<string, Sentence>;

export type Problem = keyof typeof problems;

export function storeError(problem: Problem, params: Readonly<Record<string, string | number>> = {}): UshotError {
  const fill = (sentence: string): string =>
    sentence.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
  const { en, ko } = problems[problem];
  return new UshotError('USHOT_STORE', { problem: fill(en), problemKo: fill(ko) });
}

/**
 * Result codes of SQLite that say that the store cannot be kept, whatever was asked: extended ones, and the primary ones of
 * the rest. A write that finds no room is SQLITE_FULL only where the system said ENOSPC; any other reason, a quota or a limit
 * among them, is SQLITE_IOERR_WRITE.
 */
const BY_SQLITE_CODE: Readonly<Record<number, Problem>> = {
  5: 'inUse', // SQLITE_BUSY
  7: 'unreachable', // SQLITE_NOMEM
  8: 'readOnly', // SQLITE_READONLY
  10: 'unreachable', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'unreachable', // SQLITE_CANTOPEN, also where the log cannot be made for want of room
  26: 'foreign', // SQLITE_NOTADB
  778: 'unwritten', // SQLITE_IOERR_WRITE
  1034: 'unwritten', // SQLITE_IOERR_FSYNC
  1290: 'unwritten', // SQLITE_IOERR_DIR_FSYNC
  1546: 'unwritten', // SQLITE_IOERR_TRUNCATE
};

const BY_SYSTEM_CODE: Readonly<Record<string, Problem>> = {
  EACCES: 'readOnly',
  EPERM: 'readOnly',
  EROFS: 'readOnly',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EIO: 'unreachable',
  EEXIST: 'unreachable',
  EISDIR: 'unreachable',
  EMFILE: 'unreachable',
  ENFILE: 'unreachable',
  ENOENT: 'unreachable',
  ENOTDIR: 'unreachable',
};

/**
 * The problem of the store that an error of SQLite or of the file system tells of; null when the error is about the call
 * alone (a bug), and the store is well.
 */
export function problemOf(error: unknown): { problem: Problem; detail: string } | null {
  if (!(error instanceof Error)) return null;
  const { code, errcode, errstr, syscall } = error as Error & {
    code?: unknown;
    errcode?: unknown;
    errstr?: unknown;
    syscall?: unknown;
  };
  if (typeof errcode === 'number') {
    const problem = BY_SQLITE_CODE[errcode] ?? BY_SQLITE_CODE[errcode & 0xff];
    return problem === undefined ? null : { problem, detail: `${String(errstr)}, ${errcode}` };
  }
  if (typeof code === 'string') {
    const problem = BY_SYSTEM_CODE[code];
    return problem === undefined ? null : { problem, detail: `${code}${syscall ? ` at ${String(syscall)}` : ''}` };
  }
  return null;
}
