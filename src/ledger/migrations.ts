import { type Engine, LedgerError, type Tx } from './engine.js';

/**
 * The ledger's versions, in order: version n is what the first n steps make. A step that was released is never edited. Expand
 * first and contract a release later, so that a gateway one release older still runs on the newer ledger.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // `ended` is when an event said the run had ended, kept until a read shows it. A run without a status is known by its id
    // only (no body) or broke its contract (body).
    `create table runs (
      account text not null, id text not null, api text not null, type text, status text,
      created bigint, finished bigint, ended bigint, version integer not null, body text, decoder integer,
      primary key (account, id))`,
    'create index runs_order on runs (account, created, id) where status is not null',
    'create index runs_api_status on runs (account, api, status, created, id) where status is not null',
    'create index runs_type_status on runs (account, type, status, created, id) where status is not null',
    'create index runs_unread on runs (account, api, created, id) where status is null',
    `create table transitions (
      account text not null, id text not null, version integer not null, status text not null, at bigint not null,
      primary key (account, id, version))`,
    `create table intents (
      account text not null, key text not null, fingerprint text not null, request text not null, upstream_key text not null,
      keyed bigint not null, state text not null, run_id text, error text, attempt integer not null,
      created bigint not null, due bigint not null,
      primary key (account, key))`,
    "create index intents_due on intents (account, due) where state = 'pending'",
    'create index intents_run on intents (account, run_id) where run_id is not null',
    `create table feeds (
      account text not null, api text not null, refreshed bigint, newest bigint, horizon bigint, horizon_id text,
      gap bigint, complete integer not null, event_cursor bigint, swept bigint,
      primary key (account, api))`,
    `create table report_types (
      account text not null, id text not null, api text not null, body text not null, refreshed bigint not null,
      primary key (account, id))`,
    'create index report_types_api on report_types (account, api, id)',
    `create table settings (
      account text not null, name text not null, value text not null,
      primary key (account, name))`,
  ],
  [
    // A running run: when a read that showed it was begun, until when somebody follows it, under which number of the feed's asks it
    // was last wanted, and since when and how often Stripe has said that it knows no such run.
    'alter table runs add column seen bigint',
    'alter table runs add column watched_until bigint',
    'alter table runs add column asked bigint',
    'alter table runs add column missing_since bigint',
    'alter table runs add column missing_times integer',
    'create index transitions_at on transitions (account, at)',
    // A transition's place among those of all runs, in the order of their commits.
    'alter table transitions add column seq bigint',
    'create index transitions_seq on transitions (account, seq)',
    // A feed's schedule. `attempt` counts the claims and fences what the holder of an earlier one writes; `began` is when the last
    // of them was made. `asked` counts what was asked of the feed, `asked_news` is the last of these that wants new runs, `claimed` the
    // last that a tick has taken up, `served` the last that one has served.
    'alter table feeds add column due bigint',
    'alter table feeds add column lease_until bigint',
    'alter table feeds add column attempt bigint not null default 0',
    'alter table feeds add column asked bigint not null default 0',
    'alter table feeds add column asked_news bigint not null default 0',
    'alter table feeds add column served bigint not null default 0',
    'alter table feeds add column began bigint',
    'alter table feeds add column claimed bigint not null default 0',
    // Events that Stripe had dropped before anybody read them: the last such time, and how often there was one.
    'alter table feeds add column lost_from bigint',
    'alter table feeds add column lost_until bigint',
    'alter table feeds add column losses bigint not null default 0',
    // How the API answered last: READY, DOWN or UNAVAILABLE, and the failure as JSON.
    'alter table feeds add column state text',
    'alter table feeds add column failure text',
    // Since when it is known that the upstream key starts nothing any more; when the intent was done, closed or given up.
    'alter table intents add column spent bigint',
    'alter table intents add column ended bigint',
    "update intents set ended = created where state <> 'pending'",
    "create index intents_ended on intents (account, ended) where state in ('done', 'closed')",
    // Events name the key under which a run was created.
    'create index intents_upstream_key on intents (account, upstream_key)',
    `create table buckets (
      account text not null, name text not null, tokens double precision not null, at bigint not null, paused_until bigint,
      strikes integer not null,
      primary key (account, name))`,
    `create table usage (
      account text not null, day text not null, reads bigint not null,
      primary key (account, day))`,
    // What is known of a finished run's file: its first line, what Stripe says of its columns (both JSON), and its rows.
    `create table files (
      account text not null, run_id text not null, header text, columns text, row_count bigint,
      primary key (account, run_id))`,
  ],
];

/** The version that this program makes. */
export const VERSION = MIGRATIONS.length;

/** How far a ledger may be ahead of the program that opens it. */
const AHEAD = 1;

/**
 * Brings the ledger to this program's version, one transaction per step; several programs may do so at once, and the others wait
 * for the one that is first. `now` is unix ms.
 */
export async function migrate(engine: Engine, now: () => number, steps = MIGRATIONS): Promise<void> {
  while (!(await engine.tx((tx) => migrateOnce(tx, now, steps), { patient: true })));
}

/** Takes one step, if one is left; whether none is. */
async function migrateOnce(tx: Tx, now: () => number, steps: typeof MIGRATIONS): Promise<boolean> {
  await tx.query(
    'create table if not exists migrations (version integer primary key, applied bigint not null)',
  );
  const [row] = await tx.query<{ version: number | null }>('select max(version) as version from migrations');
  const version = row?.version ?? 0;
  if (version > steps.length + AHEAD) {
    throw new LedgerError(
      `The ledger is at version ${version}, written by a newer gateway; this one knows version ${steps.length} and runs on ${steps.length + AHEAD} at most. Start a newer gateway.`,
    );
  }
  const step = steps[version];
  if (step === undefined) return true;
  for (const statement of step) await tx.query(statement);
  await tx.query('insert into migrations (version, applied) values (?, ?)', [version + 1, now()]);
  return false;
}
