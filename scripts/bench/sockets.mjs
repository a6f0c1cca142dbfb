// Subscribers: GraphQL over WebSocket by graphql-transport-ws, as cheap as a client can be.
import { WebSocket } from 'ws';

/** What the gateway allows on one socket. */
const PER_SOCKET = 100;
/** Sockets that begin at the same time. */
const AT_ONCE = 10;

const ONE = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { id status } }';
const ALL = 'subscription ($api: StripeApi) { reportRunsUpdated(filter: { api: $api }) { id status } }';

/** Opens a socket on the address that takes queries. */
async function openSocket(address) {
  const socket = new WebSocket(address.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const listeners = new Map();
  let count = 0;
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`a socket was closed: ${code} ${String(reason)}`)));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      const { type, id, payload } = JSON.parse(data);
      if (type === 'connection_ack') resolve();
      else if (type === 'ping') socket.send('{"type":"pong"}');
      else listeners.get(id)?.(type, payload);
    });
  });
  return {
    subscribe(query, variables, listener) {
      count += 1;
      listeners.set(String(count), listener);
      socket.send(JSON.stringify({ id: String(count), type: 'subscribe', payload: { query, variables } }));
    },
    close: () => socket.terminate(),
  };
}

/** Follows one run; resolves when the subscriber has been told of it. `onRun` has each event from then on, with its instant. */
function followOn(socket, id, onRun = () => {}) {
  return new Promise((resolve, reject) => {
    let begun = false;
    socket.subscribe(ONE, { id }, (type, payload) => {
      const run = payload?.data?.reportRunUpdated;
      if (type === 'complete') return;
      if (!run) return reject(new Error(`the subscriber of ${id} was told ${JSON.stringify(payload)}`));
      if (begun) onRun(run, Date.now());
      begun = true;
      resolve();
    });
  });
}

/** Subscribers of a gateway that come one after the other, on as few sockets as allowed. */
export function openSubscribers(address) {
  const sockets = [];
  let left = 0;
  return {
    /** Begins a live list of all runs of an API, or of both. It watches each that is running. */
    async followAll(api = null) {
      const socket = await openSocket(address);
      sockets.push(socket);
      socket.subscribe(ALL, { api }, (type, payload) => {
        if (type === 'error') throw new Error(`a live list was refused: ${JSON.stringify(payload)}`);
      });
      left = 0;
    },
    /** Resolves when the run was told. */
    async follow(id, onRun) {
      if (left === 0) {
        sockets.push(await openSocket(address));
        left = PER_SOCKET;
      }
      left -= 1;
      await followOn(sockets.at(-1), id, onRun);
    },
    /** Resolves when all were told of their run. */
    async followEach(ids) {
      const groups = Array.from({ length: Math.ceil(ids.length / PER_SOCKET) }, (_, at) =>
        ids.slice(at * PER_SOCKET, (at + 1) * PER_SOCKET),
      );
      const begin = async () => {
        for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
          const socket = await openSocket(address);
          sockets.push(socket);
          await Promise.all(group.map((id) => followOn(socket, id)));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, begin));
      left = 0;
    },
    close() {
      for (const socket of sockets.splice(0)) socket.close();
      left = 0;
    },
  };
}
