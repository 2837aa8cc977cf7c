/** What the tests use of node-red-node-test-helper, which has no types of its own. */
declare module 'node-red-node-test-helper' {
  import type { Node, NodeInitializer } from 'node-red';

  interface Spy {
    readonly args: unknown[][];
    readonly thisValues: unknown[];
  }
  interface Helper {
    init(runtimePath: string): void;
    settings(beside: object): object;
    load(nodes: readonly NodeInitializer[], flow: readonly object[], credentials: object): Promise<void>;
    setFlows(flow: readonly object[], type: string, credentials: object): Promise<void>;
    unload(): Promise<void>;
    getNode(id: string): Node & { readonly status: Spy };
    startServer(done: () => void): void;
    stopServer(done: () => void): void;
    /** supertest on the admin interface. */
    request(): {
      get(path: string): Promise<{ status: number; body: unknown }>;
      post(path: string): { send(body: object): Promise<{ status: number; body: unknown }> };
    };
    log(): Spy & Readonly<Record<'INFO' | 'WARN' | 'ERROR', number>>;
  }
  const helper: Helper;
  export default helper;
}
