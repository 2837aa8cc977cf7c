/** The driver over a network in memory: bytes, sockets, time-outs and outages, on a virtual clock. */
import assert from 'node:assert/strict';
import type { BodyRecord, Version } from '../../lib/protocol/index.ts';
import { Link, type LinkState, type Notice, probe } from '../../lib/session/index.ts';
import { MemoryNetwork } from '../support/memory-network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { answerBytes, Gateway, loginBytes, reportBytes } from './gateway.ts';
import { linkSettings, report, smsRequest } from './values.ts';

/** One link, its network and its gateway, on one clock; what the link told is noted. */
class Scene {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork();
  readonly gateway = new Gateway(this.network);
  readonly names: string[] = [];
  readonly batches: { ids: string[]; stored: () => void }[] = [];
  readonly notices: Notice[] = [];
  storesAtOnce = true;
  onState: (state: LinkState) => void = () => {};
  readonly link: Link;

  constructor(...[changes]: Parameters<typeof linkSettings>) {
    this.link = new Link(
      linkSettings(changes),
      { clock: this.clock, dial: this.network.dial, random: () => 0 },
      {
        state: (state) => {
          this.names.push(state.name === 'ready' && state.busy ? 'busy' : state.name);
          this.onState(state);
        },
        reports: (records, stored) => this.#take(records, stored),
        notice: (notice) => void this.notices.push(notice),
      },
    );
  }

  async ready(): Promise<this> {
    this.link.start();
    await this.clock.advance(0);
    assert.equal(this.link.state.name, 'ready');
    return this;
  }

  get trouble() {
    const { state } = this.link;
    assert.ok(state.name === 'waiting', state.name);
    return state.trouble;
  }

  /** The acknowledgements heard on the last connection, each as its message ids. */
  get acknowledged(): string[][] {
    return this.gateway.caller.heard.flatMap((frame) =>
      frame.COMMAND === '1030' ? [(frame.body?.records ?? []).map(({ MSG_ID }) => MSG_ID)] : [],
    );
  }

  #take(records: readonly BodyRecord<'1031'>[], stored: () => void): void {
    this.batches.push({ ids: records.map(({ MSG_ID }) => MSG_ID), stored });
    if (this.storesAtOnce) stored();
  }
}

/** A 1031 whose ids are given as 40 raw bytes each. */
function rawReports(ids: readonly string[]): Buffer {
  const records = ids.map(
    (id) => id + '01012345678'.padEnd(12) + '2026-01-05 09:00:00'.padEnd(20) + '6'.padEnd(3) + ' '.repeat(7),
  );
  const body = String(ids.length).padEnd(4) + records.join('');
  const header = `\x01SAM11 1031 ${String(body.length).padEnd(8)}${' '.repeat(55)}`;
  return Buffer.from(`${header}\x02${body}\x03`, 'latin1');
}

describe('link', () => {
  it('logs in, sends, is answered, stops; each transition told once', async () => {
    const scene = await new Scene().ready();
    const [login] = scene.gateway.caller.heard;
    assert.ok(login?.COMMAND === '1010');
    assert.deepEqual({ ...login.body }, { ID: 'tester', PASSWORD: 'secret' });
    assert.equal(login.RESP_MESG, 'Protocol');

    const answer = await scene.link.request(smsRequest('M1'));
    assert.ok(answer.kind === 'answer' && answer.frame.COMMAND === '1021');
    assert.deepEqual(
      answer.frame.body?.records.map(({ MSG_ID }) => MSG_ID),
      ['M1'],
    );

    await scene.link.stop();
    assert.deepEqual(scene.names, ['connecting', 'logging-in', 'ready', 'busy', 'ready', 'stopped']);
    assert.equal(scene.clock.armedCount, 0);
    assert.equal(scene.network.openCount, 0);
  });

  it('an answer in single bytes, and several frames in one chunk, are the same to it', async () => {
    const scene = new Scene({ role: 'report' });
    scene.network.slice = (bytes) => Array.from(bytes, (byte) => Buffer.of(byte));
    scene.gateway.respond = (frame, { peer }) => {
      if (frame.COMMAND !== '1010') return;
      peer.write(Buffer.concat([loginBytes(), reportBytes([report('A')]), reportBytes([report('B'), report('C')])]));
    };
    await scene.ready();
    assert.deepEqual(scene.acknowledged, [['A'], ['B', 'C']]);
    scene.network.slice = (bytes) => [bytes];
    scene.network.cut();
    await scene.clock.advance(10_000);
    assert.deepEqual(scene.acknowledged, [['A'], ['B', 'C']], 'pushed in the segment of the 1011');
    assert.equal(scene.gateway.callers.length, 2);
  });

  it('an acknowledgement carries ackCode and OK, a heartbeat and a request carry nothing', async () => {
    const scene = await new Scene({ role: 'report' }).ready();
    scene.gateway.caller.peer.write(reportBytes([report('A')]));
    await scene.clock.advance(30_000);
    const codes = scene.gateway.caller.heard.slice(1).map((frame) => [frame.RESP_CODE, frame.RESP_MESG]);
    assert.deepEqual(codes, [
      ['00000', 'OK'],
      ['', ''],
    ]);
  });

  it('SAM10 drains: poll, store, poll, until nothing comes', async () => {
    const scene = new Scene({ role: 'report', version: 'SAM10' });
    const due = [['A', 'B'], ['C'], []];
    scene.gateway.respond = (frame, caller) => {
      if (frame.COMMAND !== '1030') return scene.gateway.answer(frame, caller);
      assert.equal(frame.body, null);
      caller.peer.write(
        reportBytes(
          (due.shift() ?? []).map((id) => report(id)),
          'SAM10',
        ),
      );
    };
    await scene.ready();
    assert.deepEqual(
      scene.batches.map(({ ids }) => ids),
      [['A', 'B'], ['C']],
    );
    assert.equal(scene.gateway.commands.length, 4);
    await scene.clock.advance(15_000);
    assert.equal(scene.gateway.commands.length, 7);
  });

  it('SAM10 goes on polling where the clock was set back before an answer', async () => {
    const scene = new Scene({ role: 'report', version: 'SAM10' });
    let answer = () => {};
    scene.gateway.respond = (frame, caller) => {
      if (frame.COMMAND !== '1030') return scene.gateway.answer(frame, caller);
      answer = () => caller.peer.write(reportBytes([], 'SAM10'));
    };
    await scene.ready();
    answer();
    await scene.clock.advance(5_000);
    const polled = scene.gateway.commands.length;
    scene.clock.correct(-9 * 3_600_000);
    answer();
    await scene.clock.advance(5_000);
    assert.equal(scene.gateway.commands.length, polled + 1);
  });

  it('keep-alives go out on time on an idle link', async () => {
    const scene = await new Scene().ready();
    await scene.clock.advance(95_000);
    assert.deepEqual(scene.gateway.commands, ['1010', '1020', '1020', '1020']);
    assert.deepEqual(scene.names, ['connecting', 'logging-in', 'ready'], 'and are nobody’s business');
  });

  describe('requests', () => {
    it('throws for what a caller must not do', async () => {
      const scene = await new Scene().ready();
      void scene.link.request(smsRequest());
      assert.throws(() => scene.link.request(smsRequest()), /another one/);
      assert.throws(() => scene.link.request(loginBytes()), /not a request/);
      const reporter = new Scene({ role: 'report' });
      assert.throws(() => reporter.link.request(smsRequest()), /report link/);
    });

    it('when the link is not ready: lost at once, not written, with the reason', async () => {
      const scene = new Scene();
      const codes: string[] = [];
      const ask = async () => {
        const answer = await scene.link.request(smsRequest());
        assert.ok(answer.kind === 'lost' && !answer.written);
        codes.push(answer.trouble.code);
      };
      await ask();
      scene.gateway.stop();
      scene.link.start();
      await ask();
      await scene.clock.advance(0);
      await ask();
      assert.deepEqual(codes, ['USHOT_STOPPED', 'USHOT_LINK_NOT_READY', 'USHOT_LINK_REFUSED']);
    });

    it('a state listener may send the next request from within', async () => {
      const scene = new Scene();
      const answers: string[] = [];
      let left = 5;
      let depth = 0;
      scene.onState = (state) => {
        assert.equal(depth++, 0, 'told of a change while being told of another');
        ask(state);
        depth--;
      };
      const ask = (state: LinkState) => {
        if (state.name !== 'ready' || state.busy || left-- === 0) return;
        void scene.link.request(smsRequest(`M${left}`)).then(({ kind }) => answers.push(kind));
      };
      await scene.ready();
      assert.deepEqual(answers, Array(5).fill('answer'));
    });

    it('two answers in one chunk never answer two requests', async () => {
      const scene = await new Scene().ready();
      scene.gateway.respond = (_, { peer }) => peer.write(Buffer.concat([answerBytes('M1'), answerBytes('M2')]));
      const again: string[] = [];
      scene.onState = (state) => {
        if (state.name !== 'ready' || state.busy) return;
        void scene.link.request(smsRequest('M2')).then(({ kind }) => again.push(kind));
      };
      const answer = await scene.link.request(smsRequest('M1'));
      assert.equal(answer.kind, 'answer');
      await scene.clock.advance(0);
      assert.equal(scene.trouble.code, 'USHOT_LINK_PROTOCOL');
      assert.deepEqual(again, []);
    });

    it('unread bytes before a request: the connection goes', async () => {
      const scene = await new Scene().ready();
      scene.gateway.caller.peer.write(answerBytes('M1').subarray(0, 10));
      await scene.clock.advance(0);
      assert.equal(scene.trouble.code, 'USHOT_LINK_PROTOCOL');
    });

    for (const [what, bytes, code] of [
      ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'USHOT_LINK_PROTOCOL'],
      [
        'an unknown command',
        Buffer.from(loginBytes().toString('latin1').replace('1011 ', '9999 '), 'latin1'),
        'USHOT_LINK_PROTOCOL',
      ],
      ['reports', reportBytes([report('A')]), 'USHOT_LINK_UNEXPECTED'],
    ] as const) {
      it(`answered by ${what}: in doubt, closed, tried again`, async () => {
        const scene = await new Scene().ready();
        scene.gateway.respond = (_, { peer }) => peer.write(bytes);
        const answer = await scene.link.request(smsRequest());
        assert.ok(answer.kind === 'lost' && answer.written);
        assert.equal(answer.trouble.code, code);
        assert.equal(scene.network.openCount, 0);
        scene.gateway.respond = (frame, caller) => scene.gateway.answer(frame, caller);
        await scene.clock.advance(10_000);
        assert.equal(scene.link.state.name, 'ready');
      });
    }

    it('silence: the deadline of the request rules, also a longer one', async () => {
      const scene = await new Scene().ready();
      scene.gateway.respond = () => {};
      const startMs = scene.clock.now();
      let endMs = 0;
      void scene.link.request(smsRequest(), { timeoutMs: 60_000 }).then((answer) => {
        assert.ok(answer.kind === 'lost' && answer.written);
        endMs = scene.clock.now();
      });
      await scene.clock.advance(59_999);
      assert.equal(endMs, 0);
      await scene.clock.advance(1);
      assert.equal(endMs - startMs, 60_000);
    });

    it('stop lets the answer come', async () => {
      const scene = await new Scene().ready();
      scene.gateway.respond = () => {};
      const answer = scene.link.request(smsRequest());
      await scene.clock.advance(1_000);
      const stopped = scene.link.stop();
      assert.equal(scene.link.stop(), stopped, 'told twice, stops once');
      assert.throws(() => scene.link.start(), /cannot come/);
      assert.equal(scene.link.state.name, 'closing');
      scene.gateway.caller.peer.write(answerBytes('M1'));
      assert.equal((await answer).kind, 'answer');
      await stopped;
      assert.equal(scene.clock.armedCount, 0);
      assert.equal(scene.network.openCount, 0);
      await scene.link.stop();
      scene.gateway.respond = (frame, caller) => scene.gateway.answer(frame, caller);
      await scene.ready();
    });
  });

  describe('reports', () => {
    it('exactly one 1030 for each 1031, after stored(), however often that is called', async () => {
      const scene = await new Scene({ role: 'report' }).ready();
      scene.storesAtOnce = false;
      scene.gateway.caller.peer.write(reportBytes([report('B'), report('A')]));
      scene.gateway.caller.peer.write(reportBytes([report('B'), report('A')]));
      await scene.clock.advance(1_000);
      assert.deepEqual(scene.acknowledged, []);
      for (const batch of scene.batches) for (let call = 0; call < 3; call++) batch.stored();
      await scene.clock.advance(0);
      assert.deepEqual(scene.acknowledged, [
        ['B', 'A'],
        ['B', 'A'],
      ]);
    });

    it('stored() after the connection is gone does nothing, not even on the next one', async () => {
      const scene = await new Scene({ role: 'report' }).ready();
      scene.storesAtOnce = false;
      scene.gateway.caller.peer.write(reportBytes([report('A')]));
      await scene.clock.advance(0);
      scene.network.cut();
      await scene.clock.advance(10_000);
      scene.gateway.caller.peer.write(reportBytes([report('A')]));
      await scene.clock.advance(0);
      scene.batches[0]?.stored();
      await scene.clock.advance(0);
      assert.deepEqual(scene.acknowledged, []);
      scene.batches[1]?.stored();
      await scene.clock.advance(0);
      assert.deepEqual(scene.acknowledged, [['A']]);
    });

    it('ids go back as they came, byte for byte, also such as we would never make', async () => {
      const ids = ['0001', 'x', '12345678901234567890', 'a b', '', ' x', '\u00b0\u00a1'].map((id) => id.padEnd(20));
      const pushed = ids.map((id) => `${id.trim() === '' ? id : 'G'.padEnd(20)}${id}`);
      const scene = new Scene({ role: 'report' });
      const heard: string[] = [];
      scene.network.slice = (bytes) => {
        heard.push(bytes.toString('latin1'));
        return [bytes];
      };
      await scene.ready();
      heard.length = 0;
      scene.gateway.caller.peer.write(rawReports(pushed));
      await scene.clock.advance(0);
      assert.equal(heard.at(-1)?.slice(76, -1), `${String(ids.length).padEnd(4)}${pushed.join('')}`);
    });

    it('whole frames before garbage in the same chunk count', async () => {
      const scene = await new Scene({ role: 'report' }).ready();
      scene.gateway.caller.peer.write(Buffer.concat([reportBytes([report('A')]), Buffer.from('garbage')]));
      await scene.clock.advance(0);
      assert.deepEqual(
        scene.batches.map(({ ids }) => ids),
        [['A']],
      );
      assert.equal(scene.trouble.code, 'USHOT_LINK_PROTOCOL');
    });
  });

  describe('outages', () => {
    for (const [role, version] of [
      ['send', 'SAM10'],
      ['send', 'SAM11'],
      ['report', 'SAM10'],
      ['report', 'SAM11'],
    ] as const) {
      it(`${role}, ${version}: the hundredth is as the first`, async () => {
        const scene = await new Scene({ role, version }).ready();
        await scene.clock.advance(1_000);
        const armed = scene.clock.armedCount;
        const told: string[] = [];
        for (let outage = 1; outage <= 100; outage++) {
          await prove(scene, role, version);
          scene.names.length = 0;
          scene.network.cut();
          await scene.clock.advance(9_999);
          assert.equal(scene.gateway.callers.length, outage, 'not before 10 s');
          await scene.clock.advance(1);
          assert.equal(scene.gateway.callers.length, outage + 1);
          await scene.clock.advance(1_000);
          assert.equal(scene.clock.armedCount, armed);
          assert.equal(scene.network.openCount, 1);
          told.push(scene.names.join(' '));
        }
        assert.deepEqual([...new Set(told)], ['waiting connecting logging-in ready']);
        await scene.link.stop();
        assert.equal(scene.clock.armedCount, 0);
      });
    }

    async function prove(scene: Scene, role: string, version: Version): Promise<void> {
      if (role === 'send') {
        const answer = await scene.link.request(smsRequest());
        assert.equal(answer.kind, 'answer');
        return;
      }
      scene.gateway.caller.peer.write(reportBytes([report('A')], version));
      await scene.clock.advance(0);
      if (version === 'SAM11') assert.deepEqual(scene.acknowledged, [['A']]);
    }

    it('a night without a gateway: slower tries, transitions only, back by itself', async () => {
      const scene = await new Scene().ready();
      scene.gateway.stop();
      await scene.clock.advance(8 * 3_600_000);
      const tries = scene.network.dials.length;
      assert.ok(tries > 400 && tries < 500, `${tries} tries`);
      scene.gateway.start();
      await scene.clock.advance(60_000);
      assert.equal(scene.link.state.name, 'ready');
    });

    it('a gateway that never answers a connection is given up after timeoutMs', async () => {
      const scene = new Scene();
      scene.network.reach = 'hang';
      scene.link.start();
      await scene.clock.advance(20_000);
      assert.equal(scene.trouble.code, 'USHOT_LINK_TIMEOUT');
      assert.equal(scene.network.openCount, 0);
    });

    it('one that never answers the login too', async () => {
      const scene = new Scene();
      scene.gateway.respond = () => {};
      scene.link.start();
      await scene.clock.advance(20_000);
      assert.equal(scene.trouble.code, 'USHOT_LINK_TIMEOUT');
    });

    it('a cable pulled: the keep-alive finds it', async () => {
      const scene = await new Scene().ready();
      scene.network.isMute = true;
      await scene.clock.advance(30_000 + 20_000);
      assert.equal(scene.trouble.code, 'USHOT_LINK_NO_ANSWER');
    });

    it('a refused login does not hammer, and its reason is shown', async () => {
      const scene = new Scene();
      scene.gateway.respond = (_, { peer }) => peer.write(loginBytes('11001', '비밀번호 오류'));
      scene.link.start();
      await scene.clock.advance(3_600_000);
      assert.equal(scene.trouble.respMesg, '비밀번호 오류');
      assert.ok(scene.gateway.callers.length < 20);
      assert.ok(scene.gateway.callers.every(({ heard }) => heard.length === 1));
      assert.equal(scene.network.openCount, 0);
    });

    it('late events of a retired socket are not heard', async () => {
      const scene = await new Scene().ready();
      const old = scene.gateway.caller;
      scene.gateway.respond = (frame, caller) => {
        if (caller !== old) return scene.gateway.answer(frame, caller);
        // The answer and the end arrive while the link is dropping this connection for the garbage before them.
        old.peer.write(Buffer.from('garbage'));
        old.peer.write(answerBytes('M1'));
        old.peer.close('ECONNRESET');
      };
      const answer = await scene.link.request(smsRequest('M1'));
      assert.equal(answer.kind, 'lost');
      await scene.clock.advance(10_000);
      assert.equal(scene.link.state.name, 'ready');
      assert.equal(scene.gateway.callers.length, 2);
    });

    it('a clock set back does not delay a reconnection', async () => {
      const scene = new Scene();
      let shiftMs = 0;
      const { clock } = scene;
      const shifted = { now: () => clock.now() + shiftMs, timer: clock.timer.bind(clock) };
      const link = new Link(
        linkSettings({ port: 1 }),
        { clock: shifted, dial: scene.network.dial, random: () => 0 },
        { state: () => {}, reports: () => {}, notice: () => {} },
      );
      link.start();
      await clock.advance(0);
      shiftMs = -3_600_000;
      await clock.advance(10_000);
      assert.equal(scene.network.dials.length, 2);
      await link.stop();
    });
  });

  it('a listener that throws does not leave the link half-way', async () => {
    const scene = await new Scene().ready();
    const thrown: unknown[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error));
    try {
      scene.onState = () => {
        scene.onState = () => {};
        throw new Error('listener');
      };
      assert.equal((await scene.link.request(smsRequest())).kind, 'answer');
      await scene.clock.advance(0);
    } finally {
      for (const listener of before) process.on('uncaughtException', listener);
    }
    assert.equal(thrown.length, 1);
    assert.equal((await scene.link.request(smsRequest())).kind, 'answer');
  });

  it('an id that does not fit the login frame is an error at once', () => {
    assert.throws(() => new Scene({ id: 'x'.repeat(21) }), { name: 'LocalProtocolError' });
  });

  describe('probe', () => {
    const run = (scene: Scene, changes: Parameters<typeof linkSettings>[0] = {}) =>
      probe(linkSettings(changes), { clock: scene.clock, dial: scene.network.dial, random: () => 0 });

    for (const version of ['SAM10', 'SAM11'] as const) {
      for (const role of ['send', 'report'] as const) {
        it(`${role}, ${version}: one login, the terms, nothing else`, async () => {
          const scene = new Scene();
          const result = await run(scene, { role, version });
          assert.ok(result.kind === 'ok' && result.terms.maxPerRequest === 30);
          await scene.clock.advance(60_000);
          assert.deepEqual(scene.gateway.commands, ['1010']);
          assert.equal(scene.network.dials.length, 1);
          assert.equal(scene.network.openCount, 0);
          assert.equal(scene.clock.armedCount, 0);
        });
      }
    }

    it('gives the trouble, once, and does not try again', async () => {
      const scene = new Scene();
      scene.gateway.stop();
      const result = await run(scene);
      assert.ok(result.kind === 'trouble' && result.trouble.code === 'USHOT_LINK_REFUSED');
      await scene.clock.advance(60_000);
      assert.equal(scene.network.dials.length, 1);
      assert.equal(scene.clock.armedCount, 0);
    });
  });
});
