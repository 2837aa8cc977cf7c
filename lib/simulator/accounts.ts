/** The accounts that can log in: password, terms, balance, the ids they have used, and their waiting reports. */
import { type Finding, finding } from './complaints.ts';
import { IdMemory } from './ids.ts';
import type { Service } from './ports.ts';
import { ReportQueue, type ReportRules } from './reports.ts';
import type { AccountTerms, GatewaySettings } from './settings.ts';

/** Different ids that may log in where any id is welcome. */
const ACCOUNT_LIMIT = 1000;

export class Account {
  readonly id: string;
  readonly password: string | null;
  readonly terms: AccountTerms;
  /** What is left of a prepaid balance. */
  balance: number;
  readonly ids: IdMemory | null;
  readonly queues: Readonly<Record<Service, ReportQueue>>;

  constructor(id: string, password: string | null, terms: AccountTerms, settings: GatewaySettings, rules: ReportRules) {
    this.id = id;
    this.password = password;
    this.terms = terms;
    this.balance = terms.balance;
    this.ids =
      settings.journal === 'off'
        ? null
        : new IdMemory(settings.journal === 'ids' ? Number.POSITIVE_INFINITY : settings.idLimit);
    const sms = new ReportQueue(rules);
    this.queues = { sms, mms: settings.reportPort === 'any' ? sms : new ReportQueue(rules) };
  }

  costOf(kind: 'SMS' | 'LMS' | 'MMS'): number {
    return kind === 'SMS' ? this.terms.smsCost : kind === 'LMS' ? this.terms.lmsCost : this.terms.mmsCost;
  }

  get prepaid(): boolean {
    return this.terms.feeType === '1';
  }
}

export class Accounts {
  readonly #settings: GatewaySettings;
  readonly #rules: ReportRules;
  readonly #known = new Map<string, Account>();

  constructor(settings: GatewaySettings, rules: ReportRules) {
    this.#settings = settings;
    this.#rules = rules;
    for (const { id, password, ...terms } of settings.accounts) this.#open(id, password, terms);
  }

  /** The account of a login, or why there is none. */
  login(id: string, password: string): Account | Finding {
    if (id === '' || password === '') return finding('login-blank');
    const account = this.#known.get(id);
    if (this.#settings.accounts.length > 0) {
      return account && account.password === password ? account : finding('login-account', { id });
    }
    if (account) return account;
    if (this.#known.size >= ACCOUNT_LIMIT) return finding('login-full', { limit: ACCOUNT_LIMIT });
    return this.#open(id, null, {});
  }

  get(id: string): Account | undefined {
    return this.#known.get(id);
  }

  [Symbol.iterator](): IterableIterator<Account> {
    return this.#known.values();
  }

  #open(id: string, password: string | null, terms: Partial<AccountTerms>): Account {
    const account = new Account(id, password, { ...this.#settings.terms, ...terms }, this.#settings, this.#rules);
    this.#known.set(id, account);
    return account;
  }
}
