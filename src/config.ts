import { DEFAULT_DATABASE, Environment, type EnvironmentValues, type LogLevel } from './environment.js';

/** What the gateway was told through its environment. Times in seconds where the name says so. */
export interface Config {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Names under which requests are accepted besides the loopback ones. */
  readonly allowedHosts: readonly string[];
  /** The path of the Unix socket that operators' commands come in by. */
  readonly adminSocket: string;
  /** How long transitions and settled creates are kept. */
  readonly retentionDays: number;
  readonly upstream: UpstreamConfig;
  /** After so many reads in a month unwatched work slows down; null: never. */
  readonly monthlyReads: number | null;
  /** Keys for links to files, the signing one first; none has one made and kept in the ledger. */
  readonly fileSigningKeys: readonly Uint8Array[];
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly logLevel: LogLevel;
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
    retentionDays: values.RETENTION_DAYS,
    upstream: upstreamOf(values),
    monthlyReads: values.STRIPE_MONTHLY_READS ?? null,
    fileSigningKeys: values.FILE_SIGNING_KEYS.map((key) => Buffer.from(key)),
    graphiql: values.GRAPHIQL,
    introspection: values.INTROSPECTION,
    logLevel: values.LOG_LEVEL,
  };
}

function upstreamOf(values: EnvironmentValues): UpstreamConfig {
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
    database: values.DATABASE_URL ?? DEFAULT_DATABASE,
    allowUnsafe: values.LEDGER_ALLOW_UNSAFE ?? false,
    webhookSecrets: values.STRIPE_WEBHOOK_SECRETS ?? [],
    ...v2,
  };
}

/** Settings that only make sense with, or without, a key: none is silently without effect. */
function contradictions(values: EnvironmentValues): string[] {
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

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
