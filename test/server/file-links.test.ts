import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFileLinks } from '../../src/server/file-links.js';
import { ACCOUNT } from './support.js';

const key = Buffer.alloc(32, 1);
const keys = [key] as const;
const idOf = fc.stringMatching(/^(frr|reprun)_[A-Za-z0-9_]{1,40}$/);

describe('links', () => {
  it('open exactly the run they were made for, until they expire', () => {
    fc.assert(
      fc.property(
        idOf,
        fc.integer({ min: 1, max: 86_400 }),
        fc.integer({ min: 0, max: 999 }),
        (id, seconds, ms) => {
          const clock = { now: 1_700_000_000_000 + ms };
          const links = createFileLinks({ account: ACCOUNT, keys, now: () => clock.now });
          const { path, expiresAt } = links.sign(id, seconds);
          expect(expiresAt).toBeGreaterThan(clock.now + seconds * 1_000 - 1_000);
          expect(expiresAt).toBeLessThanOrEqual(clock.now + seconds * 1_000);
          clock.now = expiresAt - 1;
          expect(links.verify(path)).toEqual({ runId: id });
          clock.now = expiresAt;
          expect(links.verify(path)).toBe('expired');
        },
      ),
    );
  });

  it('are forged when any character is changed, added or taken away', () => {
    const links = createFileLinks({ account: ACCOUNT, keys, now: () => 0 });
    const { path } = links.sign('frr_abc', 300);
    fc.assert(
      fc.property(fc.nat(path.length), fc.string({ maxLength: 2 }), fc.nat(2), (at, put, drop) => {
        const changed = path.slice(0, at) + put + path.slice(at + drop);
        fc.pre(changed !== path);
        expect(links.verify(changed)).toBe('forged');
      }),
    );
  });

  it('are forged for another account or another key, expired or not', () => {
    const made = (account: string, own: Uint8Array, now: number) =>
      createFileLinks({ account, keys: [own], now: () => now });
    const { path } = made(ACCOUNT, key, 0).sign('frr_abc', 300);
    for (const now of [0, 10_000_000]) {
      expect(made('acct_test:live', key, now).verify(path)).toBe('forged');
      expect(made(ACCOUNT, Buffer.alloc(32, 2), now).verify(path)).toBe('forged');
    }
    expect(made(ACCOUNT, key, 10_000_000).verify(path)).toBe('expired');
  });

  it.each([
    '/files/frr_abc',
    '/files/?expires=1&signature=x',
    '/files/%E0?expires=99&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '/files/frr_abc?expires=99&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&expires=100',
  ])('are forged when they look like %s', (path) => {
    expect(createFileLinks({ account: ACCOUNT, keys, now: () => 0 }).verify(path)).toBe('forged');
  });

  it('are signed by the first key and verified by all, so that keys can be changed', () => {
    const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const made = (...own: [Uint8Array, ...Uint8Array[]]) =>
      createFileLinks({ account: ACCOUNT, keys: own, now: () => 0 });
    const before = made(old).sign('frr_abc', 300).path;
    const after = made(next, old).sign('frr_abc', 300).path;
    expect(made(next, old).verify(before)).toEqual({ runId: 'frr_abc' });
    expect(made(next, old).verify(after)).toEqual({ runId: 'frr_abc' });
    expect(made(next).verify(before)).toBe('forged');
    expect(made(next).verify(after)).toEqual({ runId: 'frr_abc' });
  });

  it('are genuine in one writing only', () => {
    const links = createFileLinks({ account: ACCOUNT, keys, now: () => 0 });
    const { path } = links.sign('frr_abc', 300);
    for (const other of ['frr%5Fabc', '%66rr_abc', 'frr_abc/', './frr_abc', '..%2ffrr_abc', 'x/../frr_abc'])
      expect(links.verify(path.replace('frr_abc', other))).toBe('forged');
  });
});
