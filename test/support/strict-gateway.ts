/**
 * A gateway that forgives nothing, written by hand from the manual with nothing of lib/ in it: the end-to-end tests let
 * the whole product talk to it and then demand that it found no fault.
 *
 *     const gateway = new StrictGateway({ version: 'SAM11', maxPerRequest: 30 });
 *     await gateway.start();                       // listens on four free ports of 127.0.0.1: gateway.ports
 *     ... let the product send ...
 *     await gateway.until(() => gateway.messages.length === 3, 'three messages');
 *     await gateway.until(() => gateway.reports.every((report) => report.acknowledged > 0), 'acknowledged reports');
 *     assert.deepEqual(gateway.violations, []);
 *     await gateway.stop();                        // cuts all connections; start() listens on the same ports again
 *
 * What it saw: `connections`, `frames` (with the time of each), `messages`, `uploads`, `reports`. What it must not see is
 * put into `violations` in words. `until` looks again at each event and rejects at its deadline.
 *
 * It accepts one login (`account`, else any), announces the options below at login, answers each request, and sends one
 * report for each message after `reportDelayMs`, by push (SAM11) or on a poll (SAM10). `decide` lets a test refuse, ignore
 * or cut single requests. Reports that were not acknowledged when a connection ended are sent again on the next one.
 */

import { createServer, type Server, type Socket } from 'node:net';
import {
  type FormRules,
  koreanTime,
  type Padding,
  type ReceivedFrame,
  type ReceivedMessage,
  readIds,
  readLogin,
  readMessages,
  readUpload,
  takeFrame,
  writeFrame,
} from './strict-frames.ts';

export type PortName = 'smsSend' | 'smsReport' | 'mmsSend' | 'mmsReport';

/**
 * What to do with a request: answer it; say nothing; cut the line without having taken it, having taken it but not
 * answered, or after the answer; or answer with a code.
 */
export type Decision =
  | 'answer'
  | 'silence'
  | 'cut'
  | 'take-and-cut'
  | 'cut-after'
  | { respCode: string; respMesg: string };

export interface StrictGatewayOptions extends FormRules {
  /** Only this login is accepted; undefined: any. */
  readonly account?: { readonly id: string; readonly password: string } | undefined;
  /** First part of the login's RESP_MESG. */
  readonly maxPerRequest: number;
  /** 1: SMS, 2: callback URL only. */
  readonly service: '1' | '2';
  /** The manual prints 24 bytes for the 1011 and lists fields of 33. */
  readonly loginBody: 33 | 24;
  /** N: 1024 is the command for LMS and MMS; Y: 1044 and 1045. */
  readonly variable: 'Y' | 'N';
  readonly maxMsgSize: number;
  /** Most logins at a time on one port. */
  readonly maxConnections: number;
  /** A message without TIMEOUT_DT is a violation. */
  readonly timeoutRequired: boolean;
  readonly reportDelayMs: number;
  /** RESULT of the report, or undefined for no report at all. */
  readonly resultOf: (message: ReceivedMessage) => string | undefined;
  /** Reports a 1031 carries at most. */
  readonly reportsPerFrame: number;
  /** What a SAM10 poll gets when nothing is due. */
  readonly emptyPoll: 'count' | 'empty' | 'silence';
  /** SAM11: an empty 1031 so often, which the other side has to answer; 0: never. */
  readonly heartbeatMs: number;
  /** SAM11: an empty 1030 that nobody asked for may come only after so long a silence. */
  readonly quietMs: number;
  /** Padding of what the gateway itself writes. */
  readonly answerPadding: Padding;
  readonly decide: (frame: RecordedFrame) => Decision;
}

export interface RecordedFrame extends ReceivedFrame {
  readonly port: PortName;
  /** Number of the connection, counted from 0 over all ports. */
  readonly connection: number;
  readonly at: number;
  /** Messages or ids that the frame holds; 0 for a keep-alive. */
  readonly count: number;
}

export interface RecordedConnection {
  readonly port: PortName;
  readonly number: number;
  readonly remoteAddress: string;
  readonly openedAt: number;
  id?: string;
  loggedInAt?: number;
  closedAt?: number;
}

export type RecordedMessage = ReceivedMessage & { readonly connection: number; readonly at: number };

export interface RecordedReport {
  readonly message: RecordedMessage;
  readonly result: string;
  readonly port: PortName;
  dueAt: number;
  isDue: boolean;
  /** How often it was sent, and how often acknowledged (SAM10: taken as such at the next poll). */
  sent: number;
  acknowledged: number;
}

const defaults: StrictGatewayOptions = {
  version: 'SAM11',
  padding: 'space',
  userCode: 'omit',
  numberStyle: 'left',
  maxPerRequest: 30,
  service: '1',
  loginBody: 33,
  variable: 'N',
  maxMsgSize: 2000,
  maxConnections: 1,
  timeoutRequired: true,
  reportDelayMs: 20,
  resultOf: () => '6',
  reportsPerFrame: 100,
  emptyPoll: 'count',
  heartbeatMs: 0,
  quietMs: 25_000,
  answerPadding: 'space',
  decide: () => 'answer',
};

const portNames: readonly PortName[] = ['smsSend', 'smsReport', 'mmsSend', 'mmsReport'];
const isReportPort = (port: PortName) => port === 'smsReport' || port === 'mmsReport';

export class StrictGateway {
  readonly options: StrictGatewayOptions;
  readonly violations: string[] = [];
  readonly connections: RecordedConnection[] = [];
  readonly frames: RecordedFrame[] = [];
  readonly messages: RecordedMessage[] = [];
  readonly uploads: { name: string; ext: string; data: Buffer }[] = [];
  readonly reports: RecordedReport[] = [];
  /** The ports; the same from the first start() on. */
  readonly ports: Record<PortName, number> = { smsSend: 0, smsReport: 0, mmsSend: 0, mmsReport: 0 };

  readonly #servers: Server[] = [];
  readonly #lines = new Set<Line>();
  readonly #watchers = new Set<() => void>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: Partial<StrictGatewayOptions> = {}) {
    this.options = { ...defaults, ...options };
  }

  async start(): Promise<void> {
    for (const name of portNames) {
      const server = createServer((socket) => this.#accept(name, socket));
      this.#servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(this.ports[name], '127.0.0.1', resolve);
      });
      const address = server.address();
      if (address !== null && typeof address === 'object') this.ports[name] = address.port;
    }
  }

  /** Cuts every connection and stops listening; what was recorded, and the reports that are due, stay. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    // Their timers are gone; what is not yet due will be when the gateway is back.
    for (const report of this.reports) report.isDue = true;
    this.cut();
    const closing = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    this.#servers.length = 0;
    await Promise.all(closing);
  }

  /** Cuts the connections of one port, or all. */
  cut(port?: PortName): void {
    for (const line of this.#lines) if (port === undefined || line.record.port === port) line.socket.destroy();
  }

  /** Resolves when `check` holds; looks at each event. Rejects after `deadlineMs` with what has happened so far. */
  until(check: () => boolean, what: string, deadlineMs = 15_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(deadline);
        this.#watchers.delete(look);
        end();
      };
      const look = () => {
        if (check()) settle(resolve);
      };
      const deadline = setTimeout(
        () => settle(() => reject(new Error(`Not within ${deadlineMs} ms: ${what}. ${this.summary()}`))),
        deadlineMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  /** What was seen, in one paragraph: for messages of failed tests. */
  summary(): string {
    const seen = this.frames
      .slice(-20)
      .map((frame) => `${frame.port}#${frame.connection} ${frame.command}x${frame.count}`);
    const open = this.connections.filter((connection) => connection.closedAt === undefined).length;
    const sent = this.reports.filter((report) => report.sent > 0).length;
    const acknowledged = this.reports.filter((report) => report.acknowledged > 0).length;
    return (
      `Connections: ${this.connections.length} (${open} open); messages: ${this.messages.length}; ` +
      `reports: ${this.reports.length} (${sent} sent, ${acknowledged} acknowledged); last frames: ${seen.join(', ') || 'none'}; ` +
      `violations: ${this.violations.join('; ') || 'none'}.`
    );
  }

  /** Longest time, in ms, that a logged-in connection of this port went without a frame of the other side. */
  longestSilenceMs(port: PortName): number {
    const gaps = this.connections
      .filter((connection) => connection.port === port && connection.loggedInAt !== undefined)
      .flatMap(({ number, closedAt }) => {
        const times = this.frames.filter((frame) => frame.connection === number).map((frame) => frame.at);
        times.push(closedAt ?? Date.now());
        return times.slice(1).map((at, n) => at - (times[n] ?? at));
      });
    return Math.max(0, ...gaps);
  }

  #accept(port: PortName, socket: Socket): void {
    socket.setNoDelay(true);
    const record: RecordedConnection = {
      port,
      number: this.connections.length,
      remoteAddress: socket.remoteAddress ?? '',
      openedAt: Date.now(),
    };
    this.connections.push(record);
    const line: Line = {
      record,
      socket,
      pending: Buffer.alloc(0),
      issued: new Set(),
      pushed: [],
      heartbeats: 0,
      lastAt: 0,
    };
    this.#lines.add(line);
    socket.on('data', (chunk) => this.#receive(line, chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      record.closedAt = Date.now();
      this.#lines.delete(line);
      if (line.pending.length > 0)
        this.#complain(line, `${line.pending.length} bytes of an unfinished frame at the end`);
      this.#changed();
    });
    this.#changed();
  }

  #receive(line: Line, chunk: Buffer): void {
    if (line.broken) return;
    if (line.awaiting) this.#complain(line, 'bytes arrived while the answer to a request was still outstanding');
    line.pending = Buffer.concat([line.pending, chunk]);
    let requests = 0;
    for (;;) {
      const taken = takeFrame(line.pending, this.options, (problem) => this.#complain(line, problem));
      if (taken === undefined) break;
      if (taken === 'broken') {
        line.broken = true;
        line.pending = Buffer.alloc(0);
        line.socket.destroy();
        break;
      }
      line.pending = Buffer.from(taken.rest);
      // Several acknowledgements may share a chunk; requests may not, since each waits for its answer.
      const acknowledges = taken.frame.command === '1030' && this.options.version === 'SAM11';
      if (!acknowledges && ++requests > 1) this.#complain(line, 'a second request before the answer to the first');
      this.#take(line, taken.frame);
    }
    this.#changed();
  }

  #take(line: Line, received: ReceivedFrame): void {
    const { port, number } = line.record;
    const digits = received.body.subarray(0, 4).toString('latin1').trim();
    const count = received.command.startsWith('10') && received.command !== '1010' ? Number(digits) || 0 : 0;
    const frame: RecordedFrame = { ...received, port, connection: number, at: Date.now(), count };
    this.frames.push(frame);
    this.#checkHead(line, frame);

    if (frame.command === '1010') this.#login(line, frame);
    else if (line.record.loggedInAt === undefined) this.#complain(line, `${frame.command} before a login`);
    else if (isReportPort(port)) this.#takeOnReportPort(line, frame);
    else this.#takeOnSendPort(line, frame);
  }

  /** Section 3.A: requests leave RESP_CODE and RESP_MESG empty, but for the word of the login. */
  #checkHead(line: Line, { command, respCode, respMesg, count }: RecordedFrame): void {
    const answer = command === '1030' && count > 0;
    const wanted = answer ? ['00000', 'OK'] : ['', command === '1010' ? 'Protocol' : ''];
    if (respCode !== wanted[0]) this.#complain(line, `${command}: RESP_CODE is "${respCode}", not "${wanted[0]}"`);
    if (respMesg !== wanted[1]) this.#complain(line, `${command}: RESP_MESG is "${respMesg}", not "${wanted[1]}"`);
  }

  #login(line: Line, frame: RecordedFrame): void {
    const { record } = line;
    if (record.loggedInAt !== undefined) this.#complain(line, 'a second login on one connection');
    const { id, password } = readLogin(frame.body, this.options, (problem) => this.#complain(line, problem));
    const { account, maxPerRequest, service, variable, maxMsgSize, loginBody } = this.options;
    record.id = id;
    this.#carryOut(line, frame, () => {
      if (account !== undefined && (account.id !== id || account.password !== password)) {
        this.#write(line, '1011', [], { respCode: '11001', respMesg: '로그인 정보 오류' });
        return;
      }
      record.loggedInAt = Date.now();
      const others = [...this.#lines].filter((other) => other.record.port === record.port && other.record.loggedInAt);
      if (others.length > this.options.maxConnections) this.#complain(line, `${others.length} logins at a time`);
      const fields: [string, number][] = [
        ['1', 2],
        ['20.0', 6],
        ['50.0', 6],
        ['250.0', 6],
        ['100000', 8],
        [variable, 1],
        [String(maxMsgSize), 4],
      ];
      // The short form ends where the manual's total does, in the middle of BALANCE.
      const body: [string, number][] = loginBody === 33 ? fields : [...fields.slice(0, 4), ['1000', 4]];
      this.#write(line, '1011', body, { respCode: '00000', respMesg: `${maxPerRequest}|${service}|` });
      if (isReportPort(record.port) && this.options.version === 'SAM11') {
        this.#push(line);
        this.#startHeartbeat(line);
      }
    });
  }

  #takeOnSendPort(line: Line, frame: RecordedFrame): void {
    const { command } = frame;
    const { port } = line.record;
    const longCommands = this.options.variable === 'Y' ? ['1044', '1045'] : ['1024'];
    const known = port === 'smsSend' ? ['1020'] : [...longCommands, '2030'];
    if (!known.includes(command)) this.#complain(line, `${command} is not for this port and login`);
    if (command === '2030') this.#takeUpload(line, frame);
    else this.#takeMessages(line, frame);
  }

  #takeUpload(line: Line, frame: RecordedFrame): void {
    const { ext, data } = readUpload(frame.body, this.options, (problem) => this.#complain(line, problem));
    this.#carryOut(line, frame, () => {
      // One Hangul syllable, as in the manual's own example of a file name.
      const name = `F${String(this.uploads.length).padStart(7, '0')}로.${ext}`;
      this.uploads.push({ name, ext, data });
      line.issued.add(name);
      this.#write(line, '2040', [[name, 128]]);
    });
  }

  #takeMessages(line: Line, frame: RecordedFrame): void {
    const { maxPerRequest, version, maxMsgSize, timeoutRequired, variable, service } = this.options;
    const complain = (problem: string) => this.#complain(line, problem);
    const messages = readMessages(frame.command, frame.body, this.options, complain, line.issued);
    if (messages.length > maxPerRequest)
      complain(`${messages.length} messages, but ${maxPerRequest} a request at most`);

    const longest = variable === 'Y' ? Math.min(maxMsgSize, 3000) : Math.min(maxMsgSize, 2000);
    for (const message of messages) {
      const name = `${frame.command} ${message.messageId}`;
      if (message.kind !== 'SMS' && message.textBytes.length > longest) complain(`${name}: MSG over ${longest} bytes`);
      if (message.reserveDt !== '') complain(`${name}: RESERVE_DT is set`);
      if (message.timeoutDt === '' && timeoutRequired) complain(`${name}: TIMEOUT_DT is blank`);
      if (message.timeoutDt !== '' && message.timeoutDt <= koreanTime(Date.now()))
        complain(`${name}: sent after its time`);
      if (service === '2' && message.url === '') complain(`${name}: this login may send callback URLs only`);
      this.#checkRepeat(message, complain);
    }

    this.#carryOut(line, frame, () => {
      for (const message of messages) this.#keep({ ...message, connection: frame.connection, at: frame.at });
      if (version === 'SAM10') this.#write(line, '1026', []);
      else this.#write(line, '1021', [count(messages.length), ...messages.flatMap(idFields)]);
    });
  }

  /** A MSG_ID may come again only when nothing was heard of its first frame, and only with the same content. */
  #checkRepeat(message: ReceivedMessage, complain: (problem: string) => void): void {
    const before = this.messages.find((other) => other.messageId === message.messageId);
    if (before === undefined) return;
    const same = before.receiver === message.receiver && before.text === message.text;
    if (!same) complain(`MSG_ID ${message.messageId} again, for other content`);
    else if (this.#answered.has(message.messageId))
      complain(`MSG_ID ${message.messageId} again, though it was answered`);
  }

  readonly #answered = new Set<string>();

  #keep(message: RecordedMessage): void {
    this.messages.push(message);
    const result = this.options.resultOf(message);
    if (result === undefined) return;
    const { reportDelayMs } = this.options;
    const port = message.kind === 'SMS' ? 'smsReport' : 'mmsReport';
    const dueAt = Date.now() + reportDelayMs;
    const report: RecordedReport = { message, result, port, dueAt, isDue: false, sent: 0, acknowledged: 0 };
    this.reports.push(report);
    // By its timer, not by the clock: a timer may fire a millisecond before its time, and nothing would look again.
    this.#later(reportDelayMs, () => {
      report.isDue = true;
      this.#pushAll();
    });
  }

  #takeOnReportPort(line: Line, frame: RecordedFrame): void {
    if (frame.command !== '1030') this.#complain(line, `${frame.command} on a report port`);
    else if (this.options.version === 'SAM10') this.#takePoll(line, frame);
    else this.#takeAcknowledgement(line, frame);
  }

  /** SAM10, 1030: no body; the reports that the last 1031 carried count as received. */
  #takePoll(line: Line, frame: RecordedFrame): void {
    if (frame.body.length > 0) this.#complain(line, `a 1030 of SAM10 has no body, this one ${frame.body.length} bytes`);
    for (const report of line.pushed.shift() ?? []) report.acknowledged++;
    this.#carryOut(line, frame, () => {
      const due = this.#due(line);
      if (due.length > 0) this.#sendReports(line, due);
      else if (this.options.emptyPoll === 'count') this.#write(line, '1031', [count(0)]);
      else if (this.options.emptyPoll === 'empty') this.#write(line, '1031', []);
    });
  }

  /** SAM11, 1030: one for each 1031, its ids in its order; an empty one is a heartbeat. */
  #takeAcknowledgement(line: Line, frame: RecordedFrame): void {
    const ids = readIds(frame.body, this.options, (problem) => this.#complain(line, problem));
    const quietSince = line.lastAt;
    line.lastAt = frame.at;
    if (ids.length === 0) {
      if (line.heartbeats > 0) line.heartbeats--;
      else if (frame.at - quietSince < this.options.quietMs)
        this.#complain(line, 'an empty 1030 that nobody asked for');
      return;
    }
    const pushed = line.pushed.shift();
    if (pushed === undefined) {
      this.#complain(line, 'an acknowledgement of nothing');
      return;
    }
    const wanted = pushed.map(({ message }) => `${message.groupId}/${message.messageId}`).join();
    const got = ids.map(({ groupId, messageId }) => `${groupId}/${messageId}`).join();
    if (wanted !== got) this.#complain(line, `acknowledged ${got} instead of ${wanted}`);
    for (const report of pushed) report.acknowledged++;
    this.#push(line);
  }

  /** Reports of this port that are due, not yet acknowledged and not on their way on this connection. */
  #due(line: Line): RecordedReport[] {
    const onTheWay = new Set(line.pushed.flat());
    return this.reports
      .filter((report) => report.port === line.record.port && report.acknowledged === 0)
      .filter((report) => report.isDue && !onTheWay.has(report))
      .slice(0, this.options.reportsPerFrame);
  }

  #pushAll(): void {
    if (this.options.version !== 'SAM11') return;
    for (const line of this.#lines) if (isReportPort(line.record.port) && line.record.loggedInAt) this.#push(line);
  }

  #push(line: Line): void {
    const due = this.#due(line);
    if (due.length > 0 && line.pushed.length === 0) this.#sendReports(line, due);
  }

  #sendReports(line: Line, reports: RecordedReport[]): void {
    line.pushed.push(reports);
    for (const report of reports) report.sent++;
    const records = reports.flatMap(({ message, result, dueAt }): [string, number][] => [
      ...idFields(message),
      [message.receiver, 12],
      [koreanTime(dueAt), 20],
      [result, 3],
      ['01190', 7],
    ]);
    this.#write(line, '1031', [count(reports.length), ...records], { respCode: '', respMesg: '' });
    this.#changed();
  }

  #startHeartbeat(line: Line): void {
    const { heartbeatMs } = this.options;
    if (heartbeatMs === 0) return;
    this.#later(heartbeatMs, () => {
      if (!this.#lines.has(line)) return;
      if (line.heartbeats > 0) this.#complain(line, `no empty 1030 within ${heartbeatMs} ms of an empty 1031`);
      line.heartbeats++;
      this.#write(line, '1031', [count(0)], { respCode: '', respMesg: '' });
      this.#startHeartbeat(line);
    });
  }

  /** Does with a request what the test decided. */
  #carryOut(line: Line, frame: RecordedFrame, answer: () => void): void {
    const decision = this.options.decide(frame);
    if (decision === 'cut') {
      line.socket.destroy();
    } else if (decision === 'silence') {
      line.awaiting = true;
    } else if (decision === 'take-and-cut') {
      line.socket.destroy();
      answer();
    } else if (decision === 'answer' || decision === 'cut-after') {
      answer();
      if (decision === 'answer') this.#noteAnswered(frame);
      else line.socket.end();
    } else {
      const answers: Record<string, string> = { '1010': '1011', '1030': '1031', '2030': '2040' };
      const command = answers[frame.command] ?? (this.options.version === 'SAM10' ? '1026' : '1021');
      this.#write(line, command, [], decision);
    }
  }

  #noteAnswered(frame: RecordedFrame): void {
    for (const message of this.messages) {
      if (message.connection === frame.connection && message.at === frame.at) this.#answered.add(message.messageId);
    }
  }

  #write(
    line: Line,
    command: string,
    fields: readonly (readonly [string, number])[],
    { respCode, respMesg } = { respCode: '00000', respMesg: 'OK' },
  ): void {
    const { version, answerPadding: padding } = this.options;
    if (line.socket.destroyed) return;
    line.lastAt = Date.now();
    line.socket.write(writeFrame({ version, command, respCode, respMesg, padding }, fields));
  }

  #complain(line: Line, problem: string): void {
    this.violations.push(`${line.record.port}#${line.record.number}: ${problem}`);
  }

  #later(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** One connection and what is under way on it. */
interface Line {
  readonly record: RecordedConnection;
  readonly socket: Socket;
  pending: Buffer;
  /** File names that 2040 gave out here. */
  readonly issued: Set<string>;
  /** 1031 frames that wait for their acknowledgement, oldest first. */
  readonly pushed: RecordedReport[][];
  /** Empty 1031 frames that nobody has answered. */
  heartbeats: number;
  /** When something last went over the line, either way. */
  lastAt: number;
  /** A request was left without an answer on purpose. */
  awaiting?: boolean;
  broken?: boolean;
}

const count = (n: number): [string, number] => [String(n), 4];
const idFields = ({ groupId, messageId }: ReceivedMessage): [string, number][] => [
  [groupId, 20],
  [messageId, 20],
];
