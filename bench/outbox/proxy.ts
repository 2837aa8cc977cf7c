/** A long line: a TCP proxy as a child, that hands on every byte half a round trip after it came. */
import net, { type AddressInfo, type Socket } from 'node:net';
import { tellParent } from './child.ts';

/** Timers are coarse: the last of the wait is spent asking the clock. */
const COARSE_MS = 1.5;

const [roundTripMs = 0, ...targets] = process.argv.slice(2).map(Number);
const halfMs = roundTripMs / 2;

function carry(from: Socket, to: Socket): void {
  const line: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  let waiting = false;
  const move = (): void => {
    waiting = false;
    for (let first = line[0]; first; first = line[0]) {
      const leftMs = first.dueMs - performance.now();
      if (leftMs > 0) {
        waiting = true;
        if (leftMs > COARSE_MS) setTimeout(move, leftMs - COARSE_MS);
        else setImmediate(move);
        return;
      }
      line.shift();
      to.write(first.bytes);
    }
  };
  from.on('data', (bytes) => {
    line.push({ bytes, dueMs: performance.now() + halfMs });
    if (!waiting) move();
  });
  from.on('error', () => {});
  from.on('close', () => to.destroy());
}

const ports = targets.map(async (target) => {
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect({ port: target, host: '127.0.0.1', noDelay: true });
    carry(near, far);
    carry(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
});
const [smsSend, smsReport] = await Promise.all(ports);
tellParent({ smsSend, smsReport });
