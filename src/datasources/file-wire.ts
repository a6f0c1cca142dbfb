import type { Socket } from 'node:net';
import { HTTPParser, type HTTPParserJS } from 'http-parser-js';
import { BufferPool, Lease, MOST_BUFFERS } from './buffer-pool.js';
import { connectTo, headersFrom, requestText } from './file-connection.js';

/** What takes a body as it arrives. */
export interface Sink {
  /** A piece of it, which is only lent: it may be read until `release` is called. */
  piece(bytes: Buffer, release: () => void): void;
  end(): void;
  /** Instead of `end`. */
  fail(error: Error): void;
  /** After so many buffers with pieces that were not released none comes; at most MOST_LENT. */
  readonly mostLent: number;
}

/** The socket needs one buffer itself. */
export const MOST_LENT = MOST_BUFFERS - 1;

/** An answer whose body is still to come. It has to be read or destroyed. */
export interface FileAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lets the body come. To be called once. */
  read(sink: Sink): void;
  /** Ends the connection; the sink is told nothing more. */
  destroy(): void;
}

export interface FileTimeouts {
  /** Ms until there is a connection. */
  readonly connect: number;
  /** Ms from then on until the headers. */
  readonly headers: number;
  /** Ms between two pieces that there was room for. */
  readonly idle: number;
}

/** The connection failed, or brought what is no HTTP. */
export class BrokenWire extends Error {
  override readonly name = 'BrokenWire';
  readonly isSilence: boolean;

  constructor(message: string, isSilence = false) {
    super(message);
    this.isSilence = isSilence;
  }
}

/**
 * GETs something large over a connection of its own. Node's clients copy each piece at least once and take new memory for it; this one
 * reads into a few buffers again and again, which costs less than half the time per byte. Rejects, or lets the sink fail, with BrokenWire,
 * or with the reason of one of `signals`, which end the connection at any time.
 */
export function requestFile(
  url: URL,
  headers: Readonly<Record<string, string>>,
  timeouts: FileTimeouts,
  signals: readonly AbortSignal[],
): Promise<FileAnswer> {
  return new Promise((resolve, reject) => {
    if (signals.some(({ aborted }) => aborted)) reject(reasonOf(signals));
    else new Wire(url, timeouts, signals, { resolve, reject }).ask(url, headers);
  });
}

interface Opening {
  resolve(answer: FileAnswer): void;
  reject(error: Error): void;
}

class Wire implements FileAnswer {
  /** 0 until the headers have come. */
  status = 0;
  headers: Readonly<Record<string, string>> = {};
  readonly #timeouts: FileTimeouts;
  readonly #signals: readonly AbortSignal[];
  readonly #opening: Opening;
  readonly #pool = new BufferPool(() => this.#resume());
  readonly #parser: HTTPParserJS;
  readonly #socket: Socket;
  readonly #abort = (): void => this.#finish(reasonOf(this.#signals));
  #timer: NodeJS.Timeout | undefined;
  /** What the socket reads into. */
  #buffer: Buffer | null = null;
  #sink: Sink | null = null;
  /** What came together with the headers and waits for the sink. */
  readonly #waiting: ((sink: Sink) => void)[] = [];
  #isPaused = false;
  #isOver = false;

  constructor(url: URL, timeouts: FileTimeouts, signals: readonly AbortSignal[], opening: Opening) {
    this.#timeouts = timeouts;
    this.#signals = signals;
    this.#opening = opening;
    this.#parser = this.#createParser();
    this.#socket = connectTo(url, {
      buffer: () => {
        this.#buffer = this.#pool.take();
        return this.#buffer;
      },
      callback: (length) => this.#arrived(length),
    });
    for (const signal of signals) signal.addEventListener('abort', this.#abort);
  }

  ask(url: URL, headers: Readonly<Record<string, string>>): void {
    const socket = this.#socket;
    const isSecure = url.protocol === 'https:';
    this.#arm(this.#timeouts.connect);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => this.#arm(this.#timeouts.headers));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#finish(new BrokenWire(error.code ?? 'error')));
    socket.on('end', () => {
      if (this.#parser.finish() !== undefined) this.#finish(new BrokenWire('ended early'));
    });
    socket.on('close', () => this.#finish(new BrokenWire('closed')));
    socket.resume().write(requestText(url, headers));
  }

  read(sink: Sink): void {
    this.#sink = sink;
    for (const deliver of this.#waiting.splice(0)) deliver(sink);
    this.#resume();
  }

  destroy(): void {
    this.#sink = SILENT;
    this.#finish(null);
  }

  #createParser(): HTTPParserJS {
    const parser = new HTTPParser('RESPONSE');
    parser[HTTPParser.kOnHeadersComplete] = ({ statusCode, headers }) => {
      // 100 and 103 come before the answer.
      if (statusCode < 200) return;
      this.status = statusCode;
      this.headers = headersFrom(headers);
      clearTimeout(this.#timer);
      this.#opening.resolve(this);
    };
    parser[HTTPParser.kOnMessageComplete] = () => {
      if (this.status !== 0) this.#finish(null);
    };
    return parser;
  }

  /** Gives whether the socket is to go on reading. The next buffer is taken right after that, so one has to be free here. */
  #arrived(length: number): boolean {
    const buffer = this.#buffer;
    if (this.#isOver || buffer === null) return false;
    const lease = new Lease(this.#pool, buffer);
    this.#timer?.refresh();
    this.#parser[HTTPParser.kOnBody] = (chunk, offset, bytes) => {
      const piece = chunk.subarray(offset, offset + bytes);
      const release = lease.share();
      this.#deliver((sink) => sink.piece(piece, release));
    };
    const consumed = this.#parser.execute(buffer.subarray(0, length));
    lease.release();
    if (consumed instanceof Error) this.#finish(new BrokenWire('not HTTP'));
    this.#isPaused = !this.#hasRoom(this.#pool.taken);
    if (this.#isPaused) clearTimeout(this.#timer);
    return !this.#isPaused;
  }

  /** The headers come without being asked for, the body where somebody takes it. */
  #hasRoom(lent: number): boolean {
    if (this.status === 0) return true;
    return this.#sink !== null && lent < this.#sink.mostLent;
  }

  #resume(): void {
    // While it is paused the socket has one buffer itself.
    if (this.#isOver || !this.#isPaused || !this.#hasRoom(this.#pool.taken - 1)) return;
    this.#isPaused = false;
    this.#arm(this.#timeouts.idle);
    this.#socket.resume();
  }

  #finish(error: Error | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort);
    this.#socket.destroy();
    if (this.status === 0) this.#opening.reject(error ?? new BrokenWire('ended early'));
    else this.#deliver((sink) => (error === null ? sink.end() : sink.fail(error)));
  }

  #deliver(deliver: (sink: Sink) => void): void {
    if (this.#sink === null) this.#waiting.push(deliver);
    else deliver(this.#sink);
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#finish(new BrokenWire('silent', true)), ms);
  }
}

/** Where what nobody wants any more goes. */
const SILENT: Sink = { piece: (_, release) => release(), end: () => {}, fail: () => {}, mostLent: 1 };

function reasonOf(signals: readonly AbortSignal[]): Error {
  const reason: unknown = signals.find(({ aborted }) => aborted)?.reason;
  return reason instanceof Error ? reason : new Error('The request was ended.');
}
