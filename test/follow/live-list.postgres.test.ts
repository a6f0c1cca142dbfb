import { expect, inject, onTestFinished, test } from 'vitest';
import { testPostgresUrl } from '../support/databases.js';
import { startTestGateway } from '../support/gateway.js';
import { startTestSandbox } from '../support/sandbox.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { begun, create, openSocket, subscribe } from './live-support.js';

test('a subscriber of one instance is told what others do, once and in order, also while it cannot be notified', async () => {
  const sandbox = await startTestSandbox({ seed: false });
  onTestFinished(() => sandbox.close());
  const url = await testPostgresUrl();
  const proxy = await startProxy(Number(new URL(inject('postgresUrl')).port));
  onTestFinished(() => proxy.close());
  const open = (database: string) =>
    startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_instances', database });
  const deaf = await open(proxy.through(url));
  onTestFinished(() => deaf.close());
  const other = await open(url);
  onTestFinished(() => other.close());
  const socket = openSocket(deaf);
  onTestFinished(() => socket.dispose());
  const subscription = subscribe(socket);
  await begun(deaf);

  const ids: string[] = [];
  const start = async (): Promise<void> => {
    await sandbox.control('POST', 'outcomes', { outcome: 'succeeded', afterSeconds: 3_600 });
    ids.push(await create(other, 'V1'));
  };
  await start();
  await until(() => subscription.told.length === 1);

  // Its listening connection is cut, and no new one comes about.
  proxy.judge((sent) => (/\blisten /i.test(sent) ? 'cut' : 'pass'));
  for (const connection of proxy.connections) if (/\blisten /i.test(connection.sent())) connection.cut();
  await start();
  await sandbox.control('POST', `runs/${ids[0]}/finish`, { outcome: 'failed' });
  await until(async () => {
    const { data } = await other.query<{ reportRun: { status: string } }>(
      'query ($id: ID!) { reportRun(id: $id) { status } }',
      { id: ids[0] },
    );
    return data?.reportRun.status === 'FAILED';
  });
  proxy.judge(() => 'pass');
  await until(() => subscription.told.length === 3);
  await start();
  await until(() => subscription.told.length === 4);
  expect(subscription.told).toEqual([
    `${ids[0]} RUNNING`,
    `${ids[1]} RUNNING`,
    `${ids[0]} FAILED`,
    `${ids[2]} RUNNING`,
  ]);
  expect(subscription.errors).toEqual([]);
});
