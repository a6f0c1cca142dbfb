import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.js';

const STRIPE = { STRIPE_API_KEY: 'sk_test_somebody', AUTH_ANONYMOUS: '1' };

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    return String(error);
  }
  throw new Error('expected problems, and there were none');
}

test('the ledger is a file unless a Postgres is named', () => {
  for (const [given, expected] of [
    [undefined, 'file:data/ledger.db'],
    ['file:/var/lib/ledger.db', 'file:/var/lib/ledger.db'],
    ['postgres://user:secret@db.example:5432/ledger', 'postgres://user:secret@db.example:5432/ledger'],
    ['postgresql:///ledger?host=/run/postgresql', 'postgresql:///ledger?host=/run/postgresql'],
  ]) {
    const env = given === undefined ? STRIPE : { ...STRIPE, DATABASE_URL: given };
    expect(readConfig(env).upstream).toMatchObject({ database: expected, allowUnsafe: false });
  }
});

test('what is neither is refused without being repeated, since there may be a password in it', () => {
  for (const url of ['mysql://user:secret@db/ledger', 'secret.db', 'file:', 'postgres://']) {
    const problems = problemsOf({ ...STRIPE, DATABASE_URL: url });
    expect(problems).toContain('DATABASE_URL: must be file: and a path');
    expect(problems).not.toContain('secret');
  }
});

test('a Postgres that may lose what it acknowledged is allowed by name, and only a Postgres', () => {
  const env = { ...STRIPE, DATABASE_URL: 'postgres://db/ledger', LEDGER_ALLOW_UNSAFE: '1' };
  expect(readConfig(env).upstream).toMatchObject({ allowUnsafe: true });
  expect(problemsOf({ ...STRIPE, LEDGER_ALLOW_UNSAFE: '1' })).toContain(
    'LEDGER_ALLOW_UNSAFE: is for a DATABASE_URL',
  );
});

test('the embedded sandbox has a ledger of its own, so that none can be named', () => {
  const problems = problemsOf({ DATABASE_URL: 'postgres://db/ledger', LEDGER_ALLOW_UNSAFE: '1' });
  expect(problems).toContain('DATABASE_URL: needs STRIPE_API_KEY');
  expect(problems).toContain('LEDGER_ALLOW_UNSAFE: needs STRIPE_API_KEY');
});
