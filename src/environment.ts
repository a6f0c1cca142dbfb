import { z } from 'zod';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Where commands look for the gateway, and the gateway waits for them, unless told otherwise. */
export const DEFAULT_ADMIN_SOCKET = 'data/admin.sock';

/** The ledger, unless told otherwise. */
export const DEFAULT_DATABASE = 'file:data/ledger.db';

const flag = z.enum(['0', '1', 'true', 'false']).transform((word) => word === '1' || word === 'true');
const port = z
  .string()
  .regex(/^[0-9]{1,5}$/, 'must be a port number, 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port number, 0 to 65535');
/** A list, separated by commas, of words of one form. */
const list = (form: RegExp | ((word: string) => boolean), expected: string, advice = 'separated by commas') =>
  z
    .string()
    .transform((text) => text.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()])))
    .pipe(
      z.array(
        z
          .string()
          .refine(
            typeof form === 'function' ? form : (word) => form.test(word),
            `must be ${expected}, ${advice}`,
          ),
      ),
    );

/** The variables there are, each by itself: what they say together is the configuration's business. */
export const Environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(4000),
  ALLOWED_HOSTS: list(/^[\w.-]+(?::\d{1,5})?$/, 'names, or name:port').default([]),
  RETENTION_DAYS: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a number of days')
    .transform(Number)
    .refine((days) => days >= 31, 'must be at least 31: Stripe remembers idempotency keys for 30 days')
    .default(90),
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
  FILE_SIGNING_KEYS: list(
    isRandomKey,
    'keys of at least 32 random bytes each, in hex or base64',
    'separated by commas; `openssl rand -base64 32` prints one',
  ).default([]),
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

export type EnvironmentValues = z.infer<typeof Environment>;
export type LogLevel = EnvironmentValues['LOG_LEVEL'];

/** Whether a text can be 32 random bytes in hex or base64: long enough, and not the same few characters again and again. */
function isRandomKey(text: string): boolean {
  const isHex = /^[0-9a-f]{64,}$/i.test(text);
  const isBase64 = /^[\w+/-]{43,}={0,2}$/.test(text) && !/^[0-9a-f]*$/i.test(text);
  return (isHex || isBase64) && new Set(text).size >= 10;
}
