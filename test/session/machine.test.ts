/** The machine as the table that it is: time is a number, frames are values, and no byte is involved. */
import assert from 'node:assert/strict';
import type { Command } from '../../lib/protocol/index.ts';
import { deadline, initialState, step } from '../../lib/session/machine.ts';
import { HELD_FRAMES_MOST, HELD_REPORTS_MOST, pauseMs, refusedPauseMs } from '../../lib/session/pace.ts';
import type { LinkSettings } from '../../lib/session/settings.ts';
import type { Effect, Event, State } from '../../lib/session/states.ts';
import { frameOf, linkSettings, loginAnswer, report } from './values.ts';

const START_MS = 1_000_000;

/** One machine and its clock. */
class Session {
  state: State = initialState;
  nowMs = START_MS;
  random = 0;
  readonly settings: LinkSettings;

  constructor(...[changes]: Parameters<typeof linkSettings>) {
    this.settings = linkSettings(changes);
  }

  on(event: Event): readonly Effect[] {
    const { state, effects } = step(this.settings, this.state, event, { nowMs: this.nowMs, random: this.random });
    this.state = state;
    return effects;
  }

  /** Lets the deadline of the state come. */
  tick(): readonly Effect[] {
    const atMs = deadline(this.state);
    assert.ok(atMs !== undefined, `no deadline in ${this.state.name}`);
    assert.ok(atMs >= this.nowMs, 'a deadline in the past');
    this.nowMs = atMs;
    return this.on({ type: 'tick' });
  }

  frame(frame: ReturnType<typeof frameOf>, more = false): readonly Effect[] {
    return this.on({ type: 'frame', frame, more });
  }

  login(frame = loginAnswer()): this {
    this.on({ type: 'start' });
    this.on({ type: 'opened' });
    this.frame(frame);
    return this;
  }

  /** Milliseconds until the deadline. */
  get dueMs(): number | undefined {
    const atMs = deadline(this.state);
    return atMs === undefined ? undefined : atMs - this.nowMs;
  }

  get trouble() {
    assert.equal(this.state.name, 'waiting');
    return this.state.trouble;
  }
}

const request = (command: Command = '1020', ticket = 1): Event => ({
  type: 'request',
  request: { ticket, command, bytes: Buffer.from(command), timeoutMs: 20_000 },
});

const types = (effects: readonly Effect[]) => effects.map(({ type }) => type);

function sent(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.frame] : []));
}

function settled(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.type === 'settle' ? [effect.answer] : []));
}

describe('session machine', () => {
  describe('every pair of state and event', () => {
    const sending = () => new Session().login();
    const reporting = (version: 'SAM10' | 'SAM11') => new Session({ role: 'report', version }).login();
    const states: Record<string, () => Session> = {
      stopped: () => new Session(),
      connecting: () => {
        const session = new Session();
        session.on({ type: 'start' });
        return session;
      },
      'logging-in': () => {
        const session = new Session();
        session.on({ type: 'start' });
        session.on({ type: 'opened' });
        return session;
      },
      'sending, idle': sending,
      'sending, request': () => {
        const session = sending();
        session.on(request());
        return session;
      },
      'sending, keepalive': () => {
        const session = sending();
        session.tick();
        return session;
      },
      'reporting, SAM10': () => reporting('SAM10'),
      'reporting, SAM11': () => reporting('SAM11'),
      waiting: () => {
        const session = sending();
        session.on({ type: 'closed', error: undefined });
        return session;
      },
      'closing, request': () => {
        const session = sending();
        session.on(request());
        session.on({ type: 'stop' });
        return session;
      },
      'closing, SAM11': () => {
        const session = reporting('SAM11');
        session.frame(frameOf('1031', { records: [report('A')] }));
        session.on({ type: 'stop' });
        return session;
      },
    };
    const events: Record<string, Event> = {
      start: { type: 'start' },
      stop: { type: 'stop' },
      request: request('1020', 2),
      stored: { type: 'stored', ticket: 1 },
      opened: { type: 'opened' },
      1021: { type: 'frame', frame: frameOf('1021', { records: [] }), more: false },
      1031: { type: 'frame', frame: frameOf('1031', { records: [report('Z')] }), more: false },
      partial: { type: 'partial' },
      broken: { type: 'broken', detail: 'x' },
      closed: { type: 'closed', error: undefined },
      tick: { type: 'tick' },
    };
    // `.` nothing changes; `!` a bug of the driver; else the state that follows, short.
    const short: Record<string, string> = {
      '.': '',
      con: 'connecting',
      log: 'logging-in',
      snd: 'sending',
      rep: 'reporting',
      wai: 'waiting',
      clo: 'closing',
      sto: 'stopped',
    };
    const expected: Record<string, string> = {
      //                      start stop request stored opened 1021 1031 partial broken closed tick
      stopped: '                con   .    .      !      !      !    !    !       .      !      !',
      connecting: '             .    sto   .      !     log     !    !    !       !     wai    wai',
      'logging-in': '           .    sto   .      !      !     wai  wai  log     wai    wai    wai',
      'sending, idle': '        .    sto  snd     !      !     wai  wai  wai     wai    wai    snd',
      'sending, request': '     .    clo   !      !      !     snd  wai   .      wai    wai    wai',
      'sending, keepalive': '   .    sto  snd     !      !     snd  wai   .      wai    wai    wai',
      'reporting, SAM10': '     .    sto   !     rep     !     wai  rep   .      wai    wai    rep',
      'reporting, SAM11': '     .    sto   !     rep     !     wai  rep   .      wai    wai    rep',
      waiting: '                .    sto   .      !      !      !    !    !       .      !     con',
      'closing, request': '     !     .    .      .      !     sto  sto   .      sto    sto    sto',
      'closing, SAM11': '       !     .    .     sto     !      .    .    .      sto    sto    sto',
    };

    for (const [name, make] of Object.entries(states)) {
      it(name, () => {
        const row = (expected[name] ?? '').trim().split(/\s+/);
        assert.equal(row.length, Object.keys(events).length);
        for (const [index, [event, value]] of Object.entries(events).sort(byColumn).entries()) {
          const session = make();
          const before = session.state;
          const cell = row[index] ?? '';
          if (cell === '!') {
            assert.throws(() => session.on(value), /^Error: session: /, `${name} + ${event}`);
            assert.equal(session.state, before);
          } else {
            session.on(value);
            assert.equal(session.state.name, short[cell] || before.name, `${name} + ${event}`);
          }
        }
      });
    }

    /** Object keys that look like numbers come first; the columns say otherwise. */
    function byColumn([one]: [string, Event], [other]: [string, Event]): number {
      const columns = 'start stop request stored opened 1021 1031 partial broken closed tick'.split(' ');
      return columns.indexOf(one) - columns.indexOf(other);
    }
  });

  describe('login', () => {
    it('connects, logs in, is ready with the terms of this login', () => {
      const session = new Session();
      assert.deepEqual(types(session.on({ type: 'start' })), ['dial']);
      assert.equal(session.dueMs, 20_000);
      assert.deepEqual(types(session.on({ type: 'opened' })), ['login']);
      session.frame(loginAnswer({ MAX_MSG_SIZE: '2500' }));
      assert.ok(session.state.name === 'sending');
      assert.equal(session.state.terms.maxPerRequest, 30);
      assert.equal(session.state.terms.maxMsgBytes, 2500);
    });

    it('never fails on the body of a 1011', () => {
      const session = new Session().login(frameOf('1011', null));
      assert.ok(session.state.name === 'sending');
      assert.equal(session.state.terms.maxPerRequest, 1);
    });

    for (const [what, happen, code] of [
      ['the name is unknown', 'ENOTFOUND', 'USHOT_LINK_DNS'],
      ['DNS is down', 'EAI_AGAIN', 'USHOT_LINK_DNS'],
      ['nobody listens', 'ECONNREFUSED', 'USHOT_LINK_REFUSED'],
      ['the system gave up', 'ETIMEDOUT', 'USHOT_LINK_TIMEOUT'],
      ['no route', 'EHOSTUNREACH', 'USHOT_LINK_UNREACHABLE'],
      ['no network', 'ENETUNREACH', 'USHOT_LINK_UNREACHABLE'],
      ['no address to use', 'EADDRNOTAVAIL', 'USHOT_LINK_UNREACHABLE'],
      ['reset while connecting', 'ECONNRESET', 'USHOT_LINK_SILENT_CLOSE'],
      ['anything else', 'EWHATEVER', 'USHOT_LINK_LOST'],
    ] as const) {
      it(`connecting: ${what} (${happen}) is ${code}`, () => {
        const session = new Session();
        session.on({ type: 'start' });
        session.on({ type: 'closed', error: { code: happen, message: 'x' } });
        assert.equal(session.trouble.code, code);
        assert.match(session.trouble.detail, new RegExp(happen));
      });
    }

    it('connecting: a source address that cannot be is named', () => {
      const session = new Session({ localAddress: '192.0.2.1' });
      session.on({ type: 'start' });
      session.on({ type: 'closed', error: { code: 'EADDRNOTAVAIL', message: 'x' } });
      assert.equal(session.trouble.code, 'USHOT_LINK_LOCAL_ADDRESS');
    });

    it('closed or reset without an answer: the address is likely not allow-listed', () => {
      for (const error of [undefined, { code: 'ECONNRESET', message: 'x' }]) {
        const session = new Session();
        session.on({ type: 'start' });
        session.on({ type: 'opened' });
        session.on({ type: 'closed', error });
        assert.equal(session.trouble.code, 'USHOT_LINK_SILENT_CLOSE');
      }
    });

    it('closed inside the answer: lost', () => {
      const session = new Session();
      session.on({ type: 'start' });
      session.on({ type: 'opened' });
      session.on({ type: 'partial' });
      session.on({ type: 'closed', error: { code: 'ECONNRESET', message: 'x' } });
      assert.equal(session.trouble.code, 'USHOT_LINK_LOST');
    });

    it('a refusal keeps code and text, closes, and slows down', () => {
      const session = new Session();
      const pauses: (number | undefined)[] = [];
      session.on({ type: 'start' });
      for (let refusal = 0; refusal < 8; refusal++) {
        session.on({ type: 'opened' });
        const effects = session.frame(frameOf('1011', null, { RESP_CODE: '11001', RESP_MESG: 'bad password' }));
        assert.deepEqual(types(effects), ['drop']);
        assert.equal(session.trouble.code, 'USHOT_LINK_LOGIN_REFUSED');
        assert.equal(session.trouble.respCode, '11001');
        assert.equal(session.trouble.respMesg, 'bad password');
        pauses.push(session.dueMs);
        session.tick();
      }
      assert.deepEqual(pauses, [30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000, 300_000]);
    });

    it('a refusal right after a connection that was in is tried again at the usual pause, once', () => {
      const session = new Session().login();
      session.on({ type: 'closed', error: undefined });
      const pauses: (number | undefined)[] = [];
      for (let refusal = 0; refusal < 3; refusal++) {
        session.tick();
        session.on({ type: 'opened' });
        session.frame(frameOf('1011', null, { RESP_CODE: '11009', RESP_MESG: 'already logged in' }));
        pauses.push(session.dueMs);
      }
      assert.deepEqual(pauses, [10_000, 30_000, 60_000]);
    });
  });

  describe('reconnection', () => {
    function standAWhile(session: Session): void {
      session.nowMs += 30_000;
    }

    function answerOne(session: Session): void {
      session.on(request());
      session.frame(frameOf('1021', { records: [] }));
    }

    it('waits reconnectMs after the first loss, more after repeated ones, up to a minute', () => {
      const session = new Session();
      session.on({ type: 'start' });
      const pauses: (number | undefined)[] = [];
      for (let failure = 0; failure < 7; failure++) {
        session.on({ type: 'closed', error: { code: 'ECONNREFUSED', message: 'x' } });
        pauses.push(session.dueMs);
        assert.deepEqual(types(session.tick()), ['dial']);
      }
      assert.deepEqual(pauses, [10_000, 15_000, 22_500, 33_750, 50_625, 60_000, 60_000]);
    });

    it('jitter shortens, never below reconnectMs', () => {
      assert.equal(pauseMs(10_000, 1, 0.999), 10_000);
      assert.equal(pauseMs(10_000, 2, 0.999), 11_254);
      assert.equal(pauseMs(10_000, 9, 0.5), 52_500);
      assert.equal(pauseMs(90_000, 9, 0), 90_000);
      assert.equal(refusedPauseMs(90_000, 1, 0.9), 90_000);
    });

    for (const [what, prove] of [
      ['an answer', answerOne],
      ['standing for keepaliveMs', standAWhile],
    ] as const) {
      it(`a link that proved good by ${what} starts over`, () => {
        const session = new Session();
        session.on({ type: 'start' });
        for (let failure = 0; failure < 3; failure++) {
          session.on({ type: 'closed', error: undefined });
          session.tick();
        }
        session.on({ type: 'opened' });
        session.frame(loginAnswer());
        prove(session);
        session.on({ type: 'closed', error: undefined });
        assert.equal(session.dueMs, 10_000);
      });
    }

    it('a login alone proves nothing', () => {
      const session = new Session();
      const pauses: (number | undefined)[] = [];
      session.on({ type: 'start' });
      for (let failure = 0; failure < 3; failure++) {
        session.on({ type: 'opened' });
        session.frame(loginAnswer());
        session.on({ type: 'closed', error: undefined });
        pauses.push(session.dueMs);
        session.tick();
      }
      assert.deepEqual(pauses, [10_000, 15_000, 22_500]);
    });
  });

  describe('sending', () => {
    const answers: Record<string, string[]> = {
      1020: ['1021', '1026'],
      1024: ['1021', '1026'],
      1044: ['1021', '1026'],
      1045: ['1021', '1026'],
      2030: ['2040'],
    };
    const fromGateway = ['1011', '1021', '1026', '1031', '2040', '1020'];
    for (const [command, expected] of Object.entries(answers)) {
      for (const version of ['SAM10', 'SAM11'] as const) {
        it(`${command} in ${version} is answered by ${expected.join(' or ')}, anything else closes`, () => {
          for (const answer of fromGateway) {
            const session = new Session({ version }).login();
            assert.deepEqual(types(session.on(request(command as Command))), ['write']);
            const effects = session.frame(frameOf(answer as Command, null, { VERSION: version }));
            if (expected.includes(answer)) {
              assert.deepEqual(types(effects), ['settle']);
              assert.equal(settled(effects)[0]?.kind, 'answer');
              assert.equal(session.state.name, 'sending');
            } else {
              assert.deepEqual(types(effects), ['settle', 'drop']);
              assert.equal(session.trouble.code, 'USHOT_LINK_UNEXPECTED');
              assert.deepEqual(settled(effects), [{ kind: 'lost', written: true, trouble: session.trouble }]);
            }
          }
        });
      }
    }

    it('an answer with a code is an answer', () => {
      const session = new Session().login();
      session.on(request());
      const effects = session.frame(frameOf('1021', null, { RESP_CODE: '11003' }));
      assert.equal(settled(effects)[0]?.kind, 'answer');
    });

    it('an answer with bytes behind it counts, and the connection goes', () => {
      const session = new Session().login();
      session.on(request());
      const effects = session.frame(frameOf('1021', { records: [] }), true);
      assert.deepEqual(types(effects), ['settle', 'drop']);
      assert.equal(settled(effects)[0]?.kind, 'answer');
      assert.equal(session.trouble.code, 'USHOT_LINK_PROTOCOL');
    });

    it('an answer that does not come in time closes, in doubt', () => {
      const session = new Session().login();
      session.on(request());
      const effects = session.tick();
      assert.equal(session.nowMs, START_MS + 20_000);
      assert.deepEqual(types(effects), ['settle', 'drop']);
      assert.deepEqual(settled(effects), [{ kind: 'lost', written: true, trouble: session.trouble }]);
      assert.equal(session.trouble.code, 'USHOT_LINK_NO_ANSWER');
    });

    for (const [service, variable, command] of [
      ['sms', 'Y', '1020'],
      ['sms', 'N', '1020'],
      ['mms', 'Y', '1044'],
      ['mms', 'N', '1024'],
    ] as const) {
      it(`${service}, VARIABLE_YN ${variable}: ${command} with COUNT 0 when idle, and its answer is due`, () => {
        const session = new Session({ service }).login(loginAnswer({ VARIABLE_YN: variable }));
        assert.equal(session.dueMs, 30_000);
        assert.deepEqual(sent(session.tick()), [{ command, body: { records: [] } }]);
        assert.equal(session.dueMs, 20_000);
        session.frame(frameOf('1026'));
        assert.equal(session.dueMs, 30_000);
        session.tick();
        assert.deepEqual(types(session.tick()), ['drop']);
        assert.equal(session.trouble.code, 'USHOT_LINK_NO_ANSWER');
      });
    }

    it('traffic puts the keep-alive off', () => {
      const session = new Session().login();
      session.nowMs += 29_000;
      session.on(request());
      session.nowMs += 5_000;
      session.frame(frameOf('1021', { records: [] }));
      assert.equal(session.dueMs, 30_000);
    });

    it('a keep-alive answered with bytes behind it: the connection goes before the next request is written', () => {
      const session = new Session().login();
      session.tick();
      session.on(request());
      const effects = session.frame(frameOf('1021', { records: [] }), true);
      assert.deepEqual(types(effects), ['settle', 'drop']);
      assert.deepEqual(settled(effects), [{ kind: 'lost', written: false, trouble: session.trouble }]);
    });

    it('a request during a keep-alive waits for its answer, and is not written when that does not come', () => {
      const session = new Session().login();
      session.tick();
      assert.deepEqual(session.on(request('1020', 7)), []);
      assert.throws(() => session.on(request('1020', 8)), /another one/);
      assert.deepEqual(types(session.frame(frameOf('1021', { records: [] }))), ['write']);

      const other = new Session().login();
      other.tick();
      other.on(request());
      assert.deepEqual(settled(other.tick()), [{ kind: 'lost', written: false, trouble: other.trouble }]);
    });

    it('keepaliveAnswer no: nothing is waited for', () => {
      const session = new Session({ keepaliveAnswer: false }).login();
      for (let round = 0; round < 3; round++) {
        assert.equal(session.dueMs, 30_000);
        assert.equal(sent(session.tick()).length, 1);
      }
      assert.deepEqual(types(session.on(request())), ['write']);
    });

    it('keepaliveAnswer no, but it is answered: told once, and waited for from then on', () => {
      const session = new Session({ keepaliveAnswer: false }).login();
      session.tick();
      assert.deepEqual(types(session.frame(frameOf('1026'))), ['notice']);
      session.tick();
      assert.equal(session.dueMs, 20_000);
      assert.deepEqual(session.frame(frameOf('1026')), []);
    });

    it('a keep-alive answered with a code is told once', () => {
      const session = new Session().login();
      session.tick();
      assert.deepEqual(types(session.frame(frameOf('1021', null, { RESP_CODE: '11002' }))), ['notice']);
      session.tick();
      assert.deepEqual(session.frame(frameOf('1021', null, { RESP_CODE: '11002' })), []);
      assert.equal(session.state.name, 'sending');
    });

    it('another VERSION is told once', () => {
      const session = new Session();
      session.on({ type: 'start' });
      session.on({ type: 'opened' });
      assert.deepEqual(types(session.frame({ ...loginAnswer(), VERSION: 'SAM10' })), ['notice']);
      session.on(request());
      assert.deepEqual(types(session.frame(frameOf('1026', null, { VERSION: 'SAM10' }))), ['settle']);
    });

    it('stop waits for the outstanding answer, no longer than timeoutMs', () => {
      const answered = new Session().login();
      answered.on(request());
      answered.on({ type: 'stop' });
      const effects = answered.frame(frameOf('1021', { records: [] }));
      assert.deepEqual(types(effects), ['settle', 'drop']);
      assert.equal(settled(effects)[0]?.kind, 'answer');
      assert.equal(answered.state.name, 'stopped');

      const silent = new Session({ timeoutMs: 3_000 }).login();
      silent.on({
        type: 'request',
        request: { ticket: 1, command: '2030', bytes: Buffer.alloc(0), timeoutMs: 90_000 },
      });
      silent.on({ type: 'stop' });
      assert.equal(silent.dueMs, 3_000);
      const [lost] = settled(silent.tick());
      assert.ok(lost?.kind === 'lost' && lost.written && lost.trouble.code === 'USHOT_STOPPED');
    });
  });

  describe('reporting, SAM10', () => {
    const session = () =>
      new Session({ role: 'report', version: 'SAM10' }).login({ ...loginAnswer(), VERSION: 'SAM10' });
    const reports = (...ids: string[]) =>
      frameOf('1031', { records: ids.map((id) => report(id)) }, { VERSION: 'SAM10' });
    const poll = [{ command: '1030', body: null }];

    it('polls at once after the login and then every pollMs', () => {
      const link = session();
      assert.equal(link.dueMs, 0);
      assert.deepEqual(sent(link.tick()), poll);
      assert.equal(link.dueMs, 5_000);
      link.nowMs += 1_000;
      link.frame(reports());
      assert.equal(link.dueMs, 4_000);
      assert.deepEqual(sent(link.tick()), poll);
      link.frame(frameOf('1031', null, { VERSION: 'SAM10' }));
      assert.equal(link.dueMs, 5_000);
    });

    it('polls again at once when reports came, but not before they are stored', () => {
      const link = session();
      link.tick();
      const effects = link.frame(reports('A', 'B'));
      assert.deepEqual(types(effects), ['reports']);
      assert.equal(link.dueMs, undefined);
      assert.deepEqual(sent(link.on({ type: 'stored', ticket: 1 })), poll);
    });

    it('takes a 1031 that nobody asked for, and polls when all are stored', () => {
      const link = session();
      link.tick();
      link.frame(reports('A'));
      link.frame(reports('B'));
      assert.deepEqual(link.on({ type: 'stored', ticket: 2 }), []);
      assert.deepEqual(sent(link.on({ type: 'stored', ticket: 1 })), poll);
      assert.deepEqual(
        link.on({ type: 'stored', ticket: 1 }).filter(({ type }) => type !== 'send'),
        [],
      );
    });

    it('tolerates thirty silent polls where an empty one was never answered', () => {
      const link = session();
      link.tick();
      let polls = 0;
      for (; link.state.name === 'reporting'; polls++) link.tick();
      assert.equal(polls, 30);
      assert.equal(link.trouble.code, 'USHOT_LINK_NO_ANSWER');
      assert.equal(link.trouble.params['seconds'], 150);
    });

    // A second poll would tell the gateway that the reports which answer the first one have arrived.
    it('asks nothing more before the answer where every poll is answered, and gives up after timeoutMs', () => {
      const link = session();
      link.tick();
      link.frame(reports());
      assert.deepEqual(sent(link.tick()), poll);
      assert.equal(link.dueMs, 20_000);
      assert.deepEqual(sent(link.tick()), []);
      assert.equal(link.state.name, 'waiting');
      assert.equal(link.trouble.code, 'USHOT_LINK_NO_ANSWER');
      assert.equal(link.trouble.params['seconds'], 20);
    });

    it('stop waits for the answer to a poll, no longer than pollMs, and hands on what comes', () => {
      const link = session();
      link.tick();
      link.on({ type: 'stop' });
      assert.equal(link.state.name, 'closing');
      assert.equal(link.dueMs, 5_000);
      assert.deepEqual(types(link.frame(reports('A'))), ['reports', 'drop']);
      assert.equal(link.state.name, 'stopped');
    });
  });

  describe('reporting, SAM11', () => {
    const session = (changes: Parameters<typeof linkSettings>[0] = {}) =>
      new Session({ role: 'report', ...changes }).login();
    const reports = (...ids: string[]) => frameOf('1031', { records: ids.map((id) => report(id)) });
    const ack = (...ids: string[]) => ({
      command: '1030',
      body: { records: ids.map((id) => ({ GRP_ID: 'G', MSG_ID: id })) },
      respCode: '00000',
    });
    const empty = { command: '1030', body: { records: [] } };

    it('acknowledges each push once, with its ids in order, when it is stored', () => {
      const link = session();
      assert.deepEqual(types(link.frame(reports('B', 'A'))), ['reports']);
      assert.deepEqual(link.on({ type: 'stored', ticket: 1 }), [{ type: 'send', frame: ack('B', 'A') }]);
      assert.deepEqual(link.on({ type: 'stored', ticket: 1 }), []);
    });

    it('acknowledges several pushes in the order of arrival, however they are stored', () => {
      const link = session();
      link.frame(reports('A'));
      link.frame(reports('B'));
      link.frame(reports());
      link.frame(reports('A'));
      assert.deepEqual(link.on({ type: 'stored', ticket: 4 }), []);
      assert.deepEqual(link.on({ type: 'stored', ticket: 2 }), []);
      assert.deepEqual(sent(link.on({ type: 'stored', ticket: 1 })), [ack('A'), ack('B'), empty, ack('A')]);
    });

    it('takes any code of a 1031, tells an odd one once, and uses ackCode', () => {
      const link = session({ ackCode: '99999' });
      const odd = frameOf('1031', { records: [report('A')] }, { RESP_CODE: '11005' });
      assert.deepEqual(types(link.frame(odd)), ['notice', 'reports']);
      assert.deepEqual(types(link.frame(odd)), ['reports']);
      assert.deepEqual(types(link.frame(frameOf('1031', { records: [report('B')] }, { RESP_CODE: '' }))), ['reports']);
      assert.deepEqual(sent(link.on({ type: 'stored', ticket: 1 })), [{ ...ack('A'), respCode: '99999' }]);
    });

    it('an empty 1030 of our own after 30 s of quiet, again and again, and silence never closes', () => {
      const link = session();
      for (let round = 0; round < 100; round++) {
        assert.equal(link.dueMs, 30_000);
        assert.deepEqual(sent(link.tick()), [empty]);
      }
      link.nowMs += 20_000;
      link.frame(reports('A'));
      assert.equal(link.dueMs, 30_000);
    });

    it('answers an empty 1031, without ping-pong', () => {
      const link = session();
      link.nowMs += 10_000;
      assert.deepEqual(sent(link.frame(reports())), [empty]);
      assert.deepEqual(link.frame(reports()), [], 'the echo of our answer');
      assert.deepEqual(sent(link.frame(frameOf('1031'))), [empty], 'a heartbeat once more');
      link.nowMs += 5_001;
      assert.deepEqual(sent(link.frame(reports())), [empty], 'too late for an echo');
    });

    it('an empty 1031 within 5 s of an empty 1030 of ours is its answer', () => {
      const link = session();
      link.tick();
      link.nowMs += 5_000;
      assert.deepEqual(link.frame(reports()), []);
      assert.equal(link.dueMs, 30_000);
    });

    it('reportHeartbeat off: none of our own, but one is answered', () => {
      const link = session({ reportHeartbeat: 'off' });
      assert.equal(link.dueMs, undefined);
      assert.deepEqual(sent(link.frame(reports())), [empty]);
      assert.equal(link.dueMs, undefined);
    });

    it('too many reports received and not stored: handed on, then closed', () => {
      for (const [perFrame, frames] of [
        [1_000, HELD_REPORTS_MOST / 1_000],
        [1, HELD_FRAMES_MOST],
      ] as const) {
        const link = session();
        const ids = Array.from({ length: perFrame }, (_, index) => String(index));
        for (let frame = 0; frame < frames; frame++) assert.deepEqual(types(link.frame(reports(...ids))), ['reports']);
        assert.deepEqual(types(link.frame(reports('last'))), ['reports', 'drop']);
        assert.equal(link.trouble.code, 'USHOT_LINK_FLOODED');
      }
    });

    it('heartbeats behind an unstored push are bounded too', () => {
      const link = session();
      link.frame(reports('A'));
      while (link.state.name === 'reporting') link.frame(reports());
      assert.equal(link.trouble.code, 'USHOT_LINK_FLOODED');
    });

    it('stop acknowledges what is being stored; what is pushed meanwhile comes again', () => {
      const link = session();
      link.frame(reports('A'));
      link.frame(reports('B'));
      link.on({ type: 'stop' });
      assert.deepEqual(link.frame(reports('C')), []);
      assert.deepEqual(sent(link.on({ type: 'stored', ticket: 1 })), [ack('A')]);
      assert.deepEqual(types(link.on({ type: 'stored', ticket: 2 })), ['send', 'drop']);
      assert.equal(link.state.name, 'stopped');
    });
  });
});
