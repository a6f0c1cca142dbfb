import { z } from 'zod';

/** What the gateway was told through its environment. Times in seconds where the name says so. */
export interface Config {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Names under which requests are accepted besides the loopback ones. */
  readonly allowedHosts: readonly string[];
  /** The path of the Unix socket that operators' commands come in by. */
  readonly adminSocket: string;
  readonly upstream: UpstreamConfig;
  /** After so many reads in a month unwatched work slows down; null: never. */
  readonly monthlyReads: number | null;
  /** Keys for links to files, the signing one first; none has one made and kept in the ledger. */
  readonly fileSigningKeys: readonly Uint8Array[];
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

export type UpstreamConfig =
  | {
      readonly kind: 'sandbox';
      readonly port: number;
      readonly runSeconds: number;
      readonly v2Version: string;
      readonly v2Reports: readonly string[];
    }
  | {
      readonly kind: 'stripe';
      readonly apiKey: string;
      readonly base: URL;
      readonly accountId: string | null;
      readonly v2Version: string;
      readonly v2Reports: readonly string[];
      /** `file:` and a path, or `postgres://…`, with its password. */
      readonly database: string;
      readonly allowUnsafe: boolean;
      readonly webhookSecrets: readonly string[];
    };

/** Every problem with the environment, each naming its variable. */
class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Where commands look for the gateway, and the gateway waits for them, unless told otherwise. */
export const DEFAULT_ADMIN_SOCKET = 'data/admin.sock';

const flag = z.enum(['0', '1', 'true', 'false']).transform((word) => word === '1' || word === 'true');
const port = z
  .string()
  .regex(/^[0-9]{1,5}$/, 'must be a port number, 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port number, 0 to 65535');
/** A list of words, separated by commas, each of one form. */
const list = (form: RegExp, problem: string) =>
  z
    .string()
    .transform((text) => text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])))
    .pipe(z.array(z.string().regex(form, `must be ${problem}, separated by commas`)));

const Environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(4000),
  ALLOWED_HOSTS: list(/^[\w.-]+(?::\d{1,5})?$/, 'names, or name:port').default([]),
  ADMIN_SOCKET: z
    .string()
    .max(100, 'must be a path of at most 100 bytes, which is all that a socket can have')
    .default(DEFAULT_ADMIN_SOCKET),
  STRIPE_API_KEY: z
    .string()
    .regex(/^[sr]k_(?:test|live)_\w+$/, 'must be a Stripe key: sk_test_…, sk_live_…, rk_test_… or rk_live_…')
    .optional(),
  STRIPE_API_BASE: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) origin, such as https://api.stripe.com' })
    .optional(),
  STRIPE_ACCOUNT_ID: z
    .string()
    .regex(/^acct_[A-Za-z0-9_]+$/, 'must be an account id, acct_…')
    .optional(),
  STRIPE_V2_VERSION: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}\.[a-z]+$/, 'must be a Stripe API version, such as 2026-04-22.dahlia')
    .default('2026-04-22.dahlia'),
  STRIPE_V2_REPORTS: list(/^report_[A-Za-z0-9_]+$/, 'v2 report ids, report_…').default([]),
  STRIPE_MONTHLY_READS: z
    .string()
    .regex(/^[1-9]\d{0,11}$/, 'must be a whole number of reads, 1 or more')
    .transform(Number)
    .optional(),
  STRIPE_WEBHOOK_SECRETS: list(/^whsec_\S+$/, 'secrets of event destinations, whsec_…')
    .refine((secrets) => secrets.length > 0, 'must have a secret in it')
    .optional(),
  DATABASE_URL: z
    .string()
    .regex(
      /^(?:file:.+|postgres(?:ql)?:\/\/.+)/,
      'must be file: and a path, such as file:data/ledger.db, or postgres://user:password@host:port/database',
    )
    .optional(),
  LEDGER_ALLOW_UNSAFE: flag.optional(),
  FILE_SIGNING_KEYS: list
    .pipe(
      z.array(
        z
          .string()
          .refine(
            isRandomKey,
            'must be keys of at least 32 random bytes each, in hex or base64, separated by commas; `openssl rand -base64 32` prints one',
          ),
      ),
    )
    .default([]),
  AUTH_ANONYMOUS: flag.optional(),
  GRAPHIQL: flag.default(true),
  INTROSPECTION: flag.default(true),
  SANDBOX_PORT: port.optional(),
  SANDBOX_RUN_SECONDS: z.coerce
    .number('must be a number of seconds')
    .positive('must be more than 0')
    .max(86_400, 'must be at most 86400')
    .optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
});

/** Reads the environment; an empty value counts as absent. Throws one ConfigError that lists every problem. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  const problems = parsed.success
    ? contradictions(parsed.data)
    : parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(
      `The configuration cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  const values = parsed.data;
  return {
    host: values.HOST,
    port: values.PORT,
    allowedHosts: values.ALLOWED_HOSTS,
    adminSocket: values.ADMIN_SOCKET,
    upstream: upstreamOf(values),
    monthlyReads: values.STRIPE_MONTHLY_READS ?? null,
    fileSigningKeys: values.FILE_SIGNING_KEYS.map((key) => Buffer.from(key)),
    graphiql: values.GRAPHIQL,
    introspection: values.INTROSPECTION,
    logLevel: values.LOG_LEVEL,
  };
}

type Values = z.infer<typeof Environment>;

function upstreamOf(values: Values): UpstreamConfig {
  const v2 = { v2Version: values.STRIPE_V2_VERSION, v2Reports: values.STRIPE_V2_REPORTS };
  if (values.STRIPE_API_KEY === undefined) {
    return {
      kind: 'sandbox',
      port: values.SANDBOX_PORT ?? 0,
      runSeconds: values.SANDBOX_RUN_SECONDS ?? 5,
      ...v2,
    };
  }
  return {
    kind: 'stripe',
    apiKey: values.STRIPE_API_KEY,
    base: new URL(values.STRIPE_API_BASE ?? 'https://api.stripe.com'),
    accountId: values.STRIPE_ACCOUNT_ID ?? null,
    database: values.DATABASE_URL ?? 'file:data/ledger.db',
    allowUnsafe: values.LEDGER_ALLOW_UNSAFE ?? false,
    webhookSecrets: values.STRIPE_WEBHOOK_SECRETS ?? [],
    ...v2,
  };
}

/** Settings that only make sense with, or without, a key: none is silently without effect. */
function contradictions(values: Values): string[] {
  const problems: string[] = [];
  if (values.STRIPE_API_KEY === undefined) {
    for (const name of [
      'STRIPE_API_BASE',
      'STRIPE_ACCOUNT_ID',
      'STRIPE_WEBHOOK_SECRETS',
      'DATABASE_URL',
      'LEDGER_ALLOW_UNSAFE',
    ] as const) {
      if (values[name] !== undefined)
        problems.push(`${name}: needs STRIPE_API_KEY; without a key the embedded sandbox is used`);
    }
    return problems;
  }
  for (const name of ['SANDBOX_PORT', 'SANDBOX_RUN_SECONDS'] as const) {
    if (values[name] !== undefined)
      problems.push(`${name}: is for the embedded sandbox, which is not started when STRIPE_API_KEY is set`);
  }
  if (values.LEDGER_ALLOW_UNSAFE === true && !(values.DATABASE_URL ?? '').startsWith('postgres')) {
    problems.push('LEDGER_ALLOW_UNSAFE: is for a DATABASE_URL of Postgres; a file is always written safely');
  }
  if (values.AUTH_ANONYMOUS !== true) {
    problems.push(
      'AUTH_ANONYMOUS: must be 1 when STRIPE_API_KEY is set: whoever reaches this port can read and start reports with the key, since there is no authentication yet',
    );
  }
  const base = values.STRIPE_API_BASE === undefined ? null : new URL(values.STRIPE_API_BASE);
  if (base !== null && (base.pathname !== '/' || base.search !== '' || base.username !== '')) {
    problems.push('STRIPE_API_BASE: must be an origin only, without path, query or user');
  }
  if (base !== null && base.protocol === 'http:' && !isLoopback(base.hostname)) {
    problems.push(
      'STRIPE_API_BASE: must be https, since the key is sent there; http is for loopback addresses only',
    );
  }
  return problems;
}

/** Whether a text can be 32 random bytes in hex or base64: long enough, and not the same few characters again and again. */
function isRandomKey(text: string): boolean {
  const isHex = /^[0-9a-f]{64,}$/i.test(text);
  const isBase64 = /^[\w+/-]{43,}={0,2}$/.test(text) && !/^[0-9a-f]*$/i.test(text);
  return (isHex || isBase64) && new Set(text).size >= 10;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
