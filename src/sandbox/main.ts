import { startSandbox } from './server.js';

/** Reads a whole number from the environment; undefined where it is not set. */
function numberFrom(name: string, most: number): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most && (name !== 'SANDBOX_PORT' || Number.isInteger(value))) return value;
  throw new Error(`${name} must be a number from 0 to ${most}, not '${text}'.`);
}

async function main(): Promise<void> {
  const port = numberFrom('SANDBOX_PORT', 65_535);
  const runSeconds = numberFrom('SANDBOX_RUN_SECONDS', 86_400);
  const sandbox = await startSandbox({
    ...(port === undefined ? {} : { port }),
    ...(runSeconds === undefined ? {} : { runSeconds }),
  });
  process.stdout.write(greeting(sandbox.origin));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void sandbox.close());
  }
}

function greeting(origin: string): string {
  const key = 'sk_test_sandbox';
  return `The sandbox answers as Stripe's report-run endpoints at ${origin}
Its key is ${key}: 150 v1 and 30 v2 runs are there. Any other sk_test_<name> is an account that begins empty.

To point the gateway at it:
  STRIPE_API_BASE=${origin} STRIPE_API_KEY=${key} npm start

To try it:
  curl '${origin}/v1/reporting/report_runs?limit=3' -u ${key}:
  curl ${origin}/v1/reporting/report_runs/<id> -u ${key}:
  curl ${origin}/v2/core/events -H 'Authorization: Bearer ${key}' -H 'Stripe-Version: 2026-04-22.dahlia'
  curl ${origin}/_sandbox/requests

docs/sandbox.md says what it can do. It remembers nothing once it is stopped (Ctrl-C).
`;
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The sandbox did not start: ${reason}\n`);
  process.exitCode = 1;
});
