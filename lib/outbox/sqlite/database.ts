/** The database as the worker uses it: statements are prepared once. */
import { type DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite';
import { boundFile } from './file.ts';

export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #lists = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Of the file. */
  bound(bytes: number): void {
    boundFile(this.#db, bytes);
  }

  begin(): void {
    this.run('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.run('COMMIT');
  }

  rollback(): void {
    try {
      this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full, or had not begun.
    }
  }

  run(sql: string, ...params: SQLInputValue[]): void {
    this.#prepared(sql).run(...params);
  }

  get<Row>(sql: string, ...params: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...params) as Row | undefined;
  }

  all<Row>(sql: string, ...params: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...params) as Row[];
  }

  /** Rows as lists of values, which are quicker than objects; Node.js before 24 makes only these. */
  lists<Values>(sql: string, ...params: SQLInputValue[]): Values[] {
    let statement = this.#lists.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      if (RETURNS_LISTS) statement.setReturnArrays(true);
      this.#lists.set(sql, statement);
    }
    const rows: unknown[] = statement.all(...params);
    return (RETURNS_LISTS ? rows : rows.map((row) => Object.values(row as object))) as Values[];
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

const RETURNS_LISTS = 'setReturnArrays' in StatementSync.prototype;
