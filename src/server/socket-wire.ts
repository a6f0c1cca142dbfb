import type { WebSocket, WebSocketServer } from 'ws';

/** A socket that answers no ping for this long is dead. */
const KEEP_ALIVE_MS = 12_000;
/** How long a client may take to answer a goodbye. */
const GOODBYE_MS = 500;

/** Resolves when the text has left for the client, or when the client has gone. */
export function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) resolve();
    else socket.send(text, () => resolve());
  });
}

/** Pings a client; the returned function stops that. One that does not answer in time is cut off. */
export function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, KEEP_ALIVE_MS);
  return () => clearInterval(timer);
}

/** Says goodbye to every client, and cuts off those that do not answer. */
export function closeAll(server: WebSocketServer): Promise<void> {
  for (const client of server.clients) client.close(1001, 'Going away');
  const cut = setTimeout(() => {
    for (const client of server.clients) client.terminate();
  }, GOODBYE_MS);
  return new Promise((resolve) => {
    // Without a server of its own, ws calls back once the last client has gone.
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
