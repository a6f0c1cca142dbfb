import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFileSource, type FileSource } from '../../src/datasources/files.js';
import { fileV1, runFrom, succeededV1 } from './samples.js';
import { API_KEY, failure } from './upstream.js';

const whole = { signal: new AbortController().signal };
const v2 = { downloadUrl: () => Promise.reject(new Error('not asked for here')) };

/** A server that says what the test says, once it has a whole request. */
async function withServer(
  speak: (socket: Socket, request: string) => void,
  test: (open: (size: number) => ReturnType<FileSource['open']>) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let request = '';
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      request += String(piece);
      if (request.endsWith('\r\n\r\n')) speak(socket, request);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const files = createFileSource({ apiKey: API_KEY, base, v2, timeouts: { headers: 1_000, idle: 1_000 } });
  try {
    await test((size) => files.open(runFrom('V1', { ...succeededV1, result: { ...fileV1, size } }), whole));
  } finally {
    await files.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
}

function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) * 17) % 256));
}

describe('a file over HTTP', () => {
  it.each([
    ['with its length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345'],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n3;x=y\r\n345\r\n0\r\n\r\n',
    ],
    ['to the end of the connection', 'HTTP/1.1 200 OK\r\n\r\n12345'],
    [
      'after early hints',
      'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345',
    ],
  ])('comes %s, however the network cuts it', async (_, answer) => {
    for (const step of [1, 3, answer.length]) {
      const speak = (socket: Socket): void => {
        const next = (at: number): void => {
          if (at >= answer.length) socket.end();
          else socket.write(answer.slice(at, at + step), () => setImmediate(next, at + step));
        };
        socket.setNoDelay(true);
        next(0);
      };
      await withServer(speak, async (open) => {
        expect(String(await buffer((await open(5)).stream()))).toBe('12345');
      });
    }
  });

  it('is asked for in one plain request', async () => {
    const requests: string[] = [];
    const speak = (socket: Socket, request: string): void => {
      requests.push(request);
      socket.end('HTTP/1.1 200 OK\r\n\r\n12345');
    };
    await withServer(speak, async (open) => {
      await buffer((await open(5)).stream());
    });
    const [request = ''] = requests;
    expect(request.split('\r\n').map((line) => line.replace(/:\d+$/, ':<port>'))).toEqual([
      'GET /v1/files/file_1Mcd6lJITzLVzkSm58IV6lDd/contents HTTP/1.1',
      'host: 127.0.0.1:<port>',
      'connection: close',
      'accept-encoding: identity',
      `authorization: Bearer ${API_KEY}`,
      '',
      '',
    ]);
  });

  it.each([
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['nothing', ''],
    ['half a header', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}\r\n\r\n12345`],
  ])('is an outage where %s comes', async (_, answer) => {
    await withServer(
      (socket) => socket.end(answer),
      async (open) => {
        expect(await failure(open(5))).toMatchObject({ kind: 'unavailable' });
      },
    );
  });

  it.each([
    [
      'a chunk that is none',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\nzz\r\n345\r\n0\r\n\r\n',
    ],
    ['a connection that ends early', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12'],
    ['a chunked body without its end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n'],
  ])('never ends well after %s', async (_, answer) => {
    await withServer(
      (socket) => socket.end(answer),
      async (open) => {
        await expect(buffer((await open(5)).stream())).rejects.toThrow(/Stripe broke off after \d bytes/);
      },
    );
  });

  it('is the same in a slow target and in a stream whose pieces are kept, although its buffers are used again', async () => {
    const content = bytesOf(3_000_000);
    const speak = (socket: Socket): void => {
      socket.end(
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`), content]),
      );
    };
    await withServer(speak, async (open) => {
      expect((await buffer((await open(content.length)).stream())).equals(content)).toBe(true);
      const property = fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1 }), async (delays) => {
        const copy = Buffer.alloc(content.length);
        let at = 0;
        let count = 0;
        const slow = new Writable({
          write(piece: Buffer, _encoding, done) {
            // Copied only when the piece is let go: what is overwritten before would show.
            setTimeout(
              () => {
                at += piece.copy(copy, at);
                done();
              },
              delays[count++ % delays.length],
            );
          },
        });
        await (await open(content.length)).pipeTo(slow, () => {});
        expect(copy.equals(content)).toBe(true);
      });
      await fc.assert(property, { numRuns: 10 });
    });
  });
});
