#!/usr/bin/env node
/**
 * `npx ushot-simulator`: the simulated gateway from the command line, one line for each login, message, upload, report
 * and complaint. Numbers are masked; texts show with --show-text only; passwords never do.
 */
import { systemClock } from '../clock.ts';
import type { Language } from '../errors.ts';
import { charset, describeResult, formatKst, maskNumber } from '../protocol/index.ts';
import { helpText, languageOf, readArguments, UsageError } from './cli-options.ts';
import { describeFinding } from './complaints.ts';
import { portNames } from './ports.ts';
import { type Simulator, startSimulator } from './server.ts';

const words = {
  en: {
    listening: 'UShot simulator is listening on',
    note: 'Nothing is really sent. Ctrl+C ends it.',
    login: 'login',
    loginRefused: 'login refused',
    message: 'message',
    duplicate: 'repeated id',
    upload: 'upload',
    report: 'report',
    again: 'again',
    complaint: 'wrong',
    fault: 'fault',
    trouble: 'trouble',
    files: 'files',
    summary: 'In all',
    messages: 'messages',
    reports: 'reports done',
    complaints: 'complaints',
    inUse: 'The port is already in use. Choose others with --ports, or end the program that uses it.',
  },
  ko: {
    listening: 'UShot 시뮬레이터가 기다리는 주소:',
    note: '실제로는 아무것도 발송되지 않습니다. Ctrl+C로 끝냅니다.',
    login: '로그인',
    loginRefused: '로그인 거부',
    message: '메시지',
    duplicate: '중복 ID',
    upload: '파일',
    report: '결과',
    again: '재전송',
    complaint: '규격 오류',
    fault: '고의 오류',
    trouble: '문제',
    files: '첨부',
    summary: '합계',
    messages: '메시지',
    reports: '완료된 결과',
    complaints: '규격 오류',
    inUse: '포트가 이미 사용 중입니다. --ports로 다른 포트를 고르거나 그 포트를 쓰는 프로그램을 끝내세요.',
  },
} as const satisfies Record<Language, Record<string, string>>;

/** What came over the wire must not be able to forge a line or move the cursor. */
const plain = (text: string): string => text.replace(/[^\P{C}]/gu, '.');

function narrate(simulator: Simulator, language: Language, showText: boolean): void {
  const { gateway } = simulator;
  const say = words[language];
  const bytesOf = charset(gateway.settings.wire.charset);
  const line = (...parts: readonly string[]): void => {
    const time = formatKst(systemClock.now()).slice(11);
    process.stdout.write(`${plain([time, ...parts].filter((part) => part !== '').join(' '))}\n`);
  };
  gateway.onLogin(({ port, id, version, ok, code, remote }) => {
    line(port, ok ? say.login : `${say.loginRefused} ${code}`, id, version, remote);
  });
  gateway.onMessage((message) => {
    const text = message.MSG;
    line(
      message.port,
      say.message,
      message.kind,
      message.MSG_ID,
      `${maskNumber(message.SENDER)} -> ${maskNumber(message.RECEIVER)}`,
      `${bytesOf.byteLength(text)} bytes`,
      message.files.length > 0 ? `${say.files} ${message.files.length}` : '',
      message.duplicate ? `(${say.duplicate})` : '',
      showText ? JSON.stringify(text) : '',
    );
  });
  gateway.onUpload(({ port, fileName, bytes, path }) => line(port, say.upload, path ?? fileName, `${bytes} bytes`));
  gateway.onReport(({ port, record, repeats }) => {
    line(
      port,
      say.report,
      record.MSG_ID,
      maskNumber(record.RECEIVER),
      `${record.RESULT} ${describeResult(record.RESULT, language)}`,
      repeats > 0 ? `(${say.again})` : '',
    );
  });
  gateway.onComplaint((complaint) => {
    line(complaint.port, say.complaint, complaint.code, describeFinding(complaint, language));
  });
  gateway.onFault(({ fault, port, command }) => line(port, say.fault, fault.kind, command));
  gateway.onTrouble((error) => line(say.trouble, error.message));
}

async function main(args: readonly string[]): Promise<void> {
  const language = languageOf(args, process.env);
  const say = words[language];
  const settings = readArguments(args);
  if (settings.help) {
    process.stdout.write(helpText(language));
    return;
  }
  const simulator = await startSimulator(settings.simulator).catch((error: unknown) => {
    throw asUsageError(error);
  });
  try {
    for (const fault of settings.faults) simulator.gateway.faults.add(fault);
  } catch (error) {
    await simulator.stop();
    throw asUsageError(error);
  }
  narrate(simulator, language, settings.showText);
  const list = portNames.map((port) => `${port} ${simulator.ports[port]}`).join(', ');
  process.stdout.write(`${say.listening} ${simulator.host}: ${list}\n${say.note}\n`);
  const end = () => {
    const { messages, reportsDone, complaints } = simulator.gateway.journal.counters;
    const counts = `${say.messages} ${messages}, ${say.reports} ${reportsDone}, ${say.complaints} ${complaints}`;
    void simulator.stop().then(() => process.stdout.write(`${say.summary}: ${counts}\n`));
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

/** A value that no option table can rule out, such as a RESP_MESG of 51 bytes. */
function asUsageError(error: unknown): unknown {
  return error instanceof RangeError ? new UsageError(error.message, error.message) : error;
}

const args = process.argv.slice(2);
main(args).catch((error: NodeJS.ErrnoException | UsageError) => {
  const language = languageOf(args, process.env);
  const isUsage = error instanceof UsageError;
  const lines = [isUsage ? error.text(language) : error.message];
  if (!isUsage && error.code === 'EADDRINUSE') lines.push(words[language].inUse);
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exitCode = isUsage ? 2 : 1;
});
