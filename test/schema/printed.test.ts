import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'print-schema-'));
  await mkdir(join(copy, 'scripts'));
  await cp(join(ROOT, 'scripts/print-schema.mjs'), join(copy, 'scripts/print-schema.mjs'));
  await symlink(join(ROOT, 'dist'), join(copy, 'dist'));
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => rm(copy, { recursive: true, force: true }));

test('the committed schema.graphql and subgraph.graphql are what the code prints', () => {
  expect(print(ROOT, '--check')).toEqual({ status: 0, stderr: '' });
});

test('a check of files that are missing or stale fails and names them', async () => {
  const missing = print(copy, '--check');
  expect(missing.status).toBe(1);
  expect(missing.stderr).toMatch(/schema\.graphql is not what the code prints/);
  expect(missing.stderr).toMatch(/subgraph\.graphql is not what the code prints/);

  expect(print(copy)).toEqual({ status: 0, stderr: '' });
  expect(print(copy, '--check')).toEqual({ status: 0, stderr: '' });
});

test('a check names the changes that would break clients', async () => {
  print(copy);
  const path = join(copy, 'schema.graphql');
  const printed = await readFile(path, 'utf8');
  await writeFile(
    path,
    printed.replace('  livemode: Boolean!', '  livemode: Boolean!\n\n  cancelledAt: DateTime'),
  );
  const { status, stderr } = print(copy, '--check');
  expect(status).toBe(1);
  expect(stderr).toMatch(/breaks clients \(FIELD_REMOVED\): ReportRun\.cancelledAt was removed/);
});

test('clients see node and no router fields, routers the other way round', async () => {
  const [client, subgraph] = await Promise.all(
    ['schema.graphql', 'subgraph.graphql'].map((name) => readFile(join(ROOT, name), 'utf8')),
  );
  expect(client).toMatch(/^ {2}node\($/m);
  expect(client).toMatch(/^ {2}nodes\($/m);
  expect(client).toMatch(/^input CreateReportRunInput @oneOf \{$/m);
  expect(client).not.toMatch(/_entities|_service|_Any|_Entity/);
  expect(subgraph).not.toMatch(/^ {2}nodes?\($/m);
  expect(subgraph).toMatch(/^interface ReportRun implements Node\s+@key\(fields: "id"\)/m);
  expect(subgraph).toMatch(/^type ReportRunV1 implements Node & ReportRun\s+@key\(fields: "id"\)/m);
  expect(subgraph).toMatch(/^type ReportRunV2 implements Node & ReportRun\s+@key\(fields: "id"\)/m);
  expect(subgraph).toMatch(/^type PageInfo\s+@shareable/m);
});

function print(root: string, ...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/print-schema.mjs'), ...args], {
    encoding: 'utf8',
  });
  return { status, stderr };
}
