/**
 * Whatever happens in whatever order, a link keeps its promises. The wires here are puppets: the test decides when each
 * opens, speaks and ends, retired ones too. On a failure fast-check prints the seed and the shortest sequence.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Dial, WireEvents } from '../../lib/network.ts';
import { Codec, defaultWire, type Frame, Framer, type Version } from '../../lib/protocol/index.ts';
import { type Answer, Link, type LinkSettings } from '../../lib/session/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { answerBytes, loginBytes, reportBytes } from './gateway.ts';
import { linkSettings, report, smsRequest } from './values.ts';

const reader = new Codec(defaultWire);

/** A connection of the link, and what it promised to be. */
class Puppet {
  readonly events: WireEvents;
  readonly framer = new Framer();
  /** The gateway has accepted the login of this connection. */
  isIn = false;
  isOpened = false;
  /** The link has dropped it, or was told that it ended. */
  isGone = false;
  /** The link was told that it ended. */
  isEnded = false;
  unanswered = 0;
  readonly pushed: string[] = [];
  readonly acknowledged: string[] = [];

  constructor(events: WireEvents) {
    this.events = events;
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly puppets: Puppet[] = [];
  readonly settings: LinkSettings;
  readonly link: Link;
  readonly stored: (() => void)[] = [];
  asked = 0;
  polls = 0;
  readonly answers: Answer[] = [];
  /** When the last connection ended, unless the link was stopped and started since. */
  #lostMs: number | undefined;
  #nextId = 0;
  readonly #violations: string[] = [];

  constructor(settings: LinkSettings, random: () => number) {
    this.settings = settings;
    this.link = new Link(
      settings,
      { clock: this.clock, dial: this.#dial, random },
      { state: () => {}, reports: (_, stored) => void this.stored.push(stored), notice: () => {} },
    );
  }

  get version(): Version {
    return this.settings.wire.version;
  }

  readonly #dial: Dial = (_, events) => {
    this.#demand(this.isAllGone, 'a second connection');
    const pauseMs = this.clock.now() - (this.#lostMs ?? Number.NEGATIVE_INFINITY);
    this.#demand(pauseMs >= this.settings.reconnectMs, 'reconnected too soon');
    const puppet = new Puppet(events);
    this.puppets.push(puppet);
    return {
      write: (bytes) => {
        this.#demand(puppet.isOpened && !puppet.isGone, 'a write on a connection that is not open');
        for (const raw of puppet.framer.push(bytes)) this.#hear(puppet, reader.decode(raw));
      },
      destroy: () => this.#gone(puppet),
    };
  };

  #gone(puppet: Puppet): void {
    if (!puppet.isGone) this.#lostMs = this.clock.now();
    puppet.isGone = true;
  }

  #hear(puppet: Puppet, frame: Frame): void {
    if (frame.COMMAND === '1010') return this.#demand(!puppet.isIn, 'a second login on one connection');
    this.#demand(puppet.isIn, `${frame.COMMAND} before the login was accepted`);
    if (this.settings.role === 'send') {
      this.#demand(frame.COMMAND === '1020', frame.COMMAND);
      this.#demand(puppet.unanswered === 0, 'two requests in flight');
      puppet.unanswered++;
      return;
    }
    if (frame.COMMAND !== '1030') return this.#demand(false, frame.COMMAND);
    if (this.version === 'SAM10') {
      this.polls++;
      return this.#demand(frame.body === null, 'an acknowledgement with SAM10');
    }
    if (!frame.body) return this.#demand(false, 'a poll with SAM11');
    if (frame.body.records.length === 0) return;
    puppet.acknowledged.push(frame.body.records.map(({ MSG_ID }) => MSG_ID).join());
    const pushed = puppet.pushed.slice(0, puppet.acknowledged.length);
    this.#demand(puppet.acknowledged.join('; ') === pushed.join('; '), 'acknowledged otherwise than pushed');
  }

  /** Noted here and asserted in `check`: what is thrown at a link is not heard by the test. */
  #demand(holds: boolean, otherwise: string): void {
    if (!holds) this.#violations.push(otherwise);
  }

  get isAllGone(): boolean {
    return this.puppets.every(({ isGone }) => isGone);
  }

  readonly moves = {
    start: () => {
      // The pause is for losses; an owner may stop and start as it likes.
      if (this.link.state.name === 'stopped') this.#lostMs = undefined;
      if (this.link.state.name !== 'closing') this.link.start();
    },
    stop: () => void this.link.stop(),
    request: () => {
      const { state } = this.link;
      if (this.settings.role !== 'send' || (state.name === 'ready' && state.busy)) return;
      this.asked++;
      void this.link.request(smsRequest()).then((answer) => this.answers.push(answer));
    },
    store: () => this.stored.shift()?.(),
    storeLast: () => this.stored.pop()?.(),
    open: (puppet: Puppet | undefined) => {
      // A retired connection may still open: nobody told the network yet.
      if (!puppet || puppet.isOpened || puppet.isEnded) return;
      puppet.isOpened = true;
      puppet.events.opened();
    },
    accept: (puppet: Puppet | undefined) => {
      if (!puppet?.isOpened) return;
      puppet.isIn = true;
      puppet.events.data(loginBytes());
    },
    /** Opens and accepts, if that is due. */
    login: (puppet: Puppet | undefined) => {
      if (!puppet || puppet.isIn || puppet.isGone) return;
      this.moves.open(puppet);
      this.moves.accept(puppet);
    },
    refuse: (puppet: Puppet | undefined) => puppet?.isOpened && puppet.events.data(loginBytes('11001', 'no')),
    answer: (puppet: Puppet | undefined) => {
      if (!puppet?.isOpened) return;
      puppet.unanswered = 0;
      puppet.events.data(answerBytes('M1'));
    },
    answerDue: (puppet: Puppet | undefined) => {
      if (puppet && puppet.unanswered > 0) this.moves.answer(puppet);
    },
    push: (puppet: Puppet | undefined) => {
      if (!puppet?.isOpened) return;
      const ids = [`A${this.#nextId++}`, `B${this.#nextId}`];
      puppet.pushed.push(ids.join());
      puppet.events.data(
        reportBytes(
          ids.map((id) => report(id)),
          this.version,
        ),
      );
    },
    pushNothing: (puppet: Puppet | undefined) => puppet?.isOpened && puppet.events.data(reportBytes([], this.version)),
    half: (puppet: Puppet | undefined) => puppet?.isOpened && puppet.events.data(answerBytes('M1').subarray(0, 40)),
    garbage: (puppet: Puppet | undefined) => puppet?.isOpened && puppet.events.data(Buffer.from('garbage')),
    end: (puppet: Puppet | undefined) => this.#end(puppet),
    reset: (puppet: Puppet | undefined) => this.#end(puppet, 'ECONNRESET'),
  };

  #end(puppet: Puppet | undefined, code?: string): void {
    if (!puppet || puppet.isEnded) return;
    puppet.isEnded = true;
    this.#gone(puppet);
    puppet.events.closed(code === undefined ? undefined : Object.assign(new Error(code), { code }));
  }

  check(): void {
    assert.deepEqual(this.#violations, []);
    assert.ok(this.clock.armedCount <= 1, 'more than one timer');
    assert.ok(this.answers.length <= this.asked, 'settled twice');
  }

  async finish(): Promise<void> {
    void this.link.stop();
    await this.clock.advance(this.settings.timeoutMs);
    assert.equal(this.link.state.name, 'stopped');
    assert.equal(this.answers.length, this.asked, 'a request unsettled');
    assert.equal(this.clock.armedCount, 0, 'a timer left');
    assert.ok(this.isAllGone, 'a connection left');
    this.check();
  }
}

type MoveName = keyof World['moves'];

type Weights = Readonly<Partial<Record<MoveName, number>>>;

/** Likely moves come more often, or hardly a sequence would get anywhere. */
const anyRole: Weights = {
  start: 5,
  stop: 1,
  login: 24,
  open: 1,
  accept: 1,
  refuse: 1,
  answer: 1,
  half: 1,
  garbage: 1,
  end: 1,
  reset: 1,
  storeLast: 2,
};
const weights: Readonly<Record<LinkSettings['role'], Weights>> = {
  send: { ...anyRole, request: 24, answerDue: 20, push: 1, pushNothing: 1 },
  report: { ...anyRole, push: 16, pushNothing: 4, store: 24 },
};

const moveOf = (role: LinkSettings['role']) =>
  fc.oneof(
    ...Object.entries(weights[role]).map(([name, weight]) => ({
      weight,
      // Mostly the present connection, now and then a retired one.
      arbitrary: fc.record({ name: fc.constant(name as MoveName), back: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2) }),
    })),
    {
      weight: 14,
      arbitrary: fc.record({
        ms: fc.constantFrom(0, 1, 999, 5_000, 9_999, 10_000, 10_000, 15_000, 20_000, 30_000, 36_000, 300_000),
      }),
    },
  );

/** How far the sequences got: a property that never gets past the login proves nothing. */
class Reach {
  logins = 0;
  answered = 0;
  inDoubt = 0;
  acknowledged = 0;
  polls = 0;

  add({ puppets, answers, polls }: World): void {
    this.logins += puppets.filter(({ isIn }) => isIn).length;
    this.answered += answers.filter(({ kind }) => kind === 'answer').length;
    this.inDoubt += answers.filter((answer) => answer.kind === 'lost' && answer.written).length;
    this.acknowledged += puppets.reduce((sum, puppet) => sum + puppet.acknowledged.length, 0);
    this.polls += polls;
  }
}

const RUNS = 300;

const goals = {
  send: { SAM10: ['answered', 'inDoubt'], SAM11: ['answered', 'inDoubt'] },
  report: { SAM10: ['polls'], SAM11: ['acknowledged'] },
} as const satisfies Record<string, Record<Version, readonly (keyof Reach)[]>>;

describe('link, any sequence of events', () => {
  for (const role of ['send', 'report'] as const) {
    for (const version of ['SAM10', 'SAM11'] as const) {
      it(`${role}, ${version}`, async () => {
        const reach = new Reach();
        await fc.assert(
          fc.asyncProperty(
            fc.array(moveOf(role), { minLength: 20, maxLength: 150, size: 'max' }),
            fc.double({ min: 0, max: 0.999, noNaN: true }),
            async (sequence, random) => {
              const world = new World(linkSettings({ role, version }), () => random);
              world.moves.start();
              for (const next of sequence) {
                if ('ms' in next) await world.clock.advance(next.ms);
                else world.moves[next.name](world.puppets.at(-1 - next.back));
                world.check();
              }
              await world.finish();
              reach.add(world);
            },
          ),
          { numRuns: RUNS },
        );
        assert.ok(reach.logins > RUNS, `${reach.logins} logins`);
        for (const what of goals[role][version]) assert.ok(reach[what] > RUNS / 2, `${what}: ${reach[what]}`);
      });
    }
  }
});
