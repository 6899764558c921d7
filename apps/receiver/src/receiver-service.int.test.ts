import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventSettings } from '@kero/events';
import { openMessaging } from '@kero/messaging';
import { createLogger, Health, isKeroError, loadSettings, Metrics } from '@kero/runtime';
import { builtInSchemas } from '@kero/schemas';
import { rateLimitSettings } from './limits/rate-limit-settings.ts';
import { startReceiver } from './receiver-service.ts';
import { receiverSettings } from './receiver-settings.ts';
import { EVENT } from './receiver-under-test.ts';
import { certificateMaker } from './tls/certificates-under-test.ts';

function throwawayFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kero-receiver-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What `kero start` does around the receiver. */
async function serviceFrame(t: TestContext, environment: Record<string, string>) {
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination: { write: () => {} } });
  const { values } = loadSettings(
    { receiver: receiverSettings, rateLimits: rateLimitSettings, events: eventSettings },
    { environment },
  );
  const directory = throwawayFolder(t);
  const messaging = await openMessaging(
    { driver: 'embedded', directory, retentionMs: 86_400_000, maxRecordBytes: 1024 ** 2 },
    { logger },
  );
  const stopping = new AbortController();
  const resources = new AsyncDisposableStack();
  resources.defer(() => messaging.close());
  t.after(() => resources.disposeAsync());
  const context = { stop: stopping.signal, resources };
  return {
    context,
    stopping,
    deps: {
      messaging,
      auth: undefined,
      schemas: builtInSchemas,
      settings: values,
      health: new Health(),
      metrics: new Metrics(),
      logger,
    },
  };
}

describe('startReceiver', () => {
  test('listens on a free port for port 0, and says where', async (t) => {
    const { context, deps } = await serviceFrame(t, { RECEIVER_PORT: '0' });
    const running = await startReceiver(context, deps);
    assert.equal(running.url, `http://127.0.0.1:${running.port}`);
    const response = await fetch(`${running.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...EVENT, event_timestamp: new Date().toISOString() }),
    });
    assert.equal(response.status, 202);
    assert.equal(running.counts.accepted, 1);
  });

  test('speaks HTTPS with a certificate, says so, and shows until when it is valid', async (t) => {
    const { certFile, keyFile, cert } = certificateMaker(t)('kero');
    const environment = { RECEIVER_PORT: '0', RECEIVER_TLS_CERT_FILE: certFile, RECEIVER_TLS_KEY_FILE: keyFile };
    const { context, deps } = await serviceFrame(t, environment);
    const running = await startReceiver(context, deps);
    assert.equal(running.url, `https://127.0.0.1:${running.port}`);
    const status = await new Promise((resolve, reject) => {
      get(`${running.url}/health/live`, { ca: cert, agent: false }, ({ statusCode }) => resolve(statusCode)).on(
        'error',
        reject,
      );
    });
    assert.equal(status, 200);
    const { text } = await deps.metrics.scrape();
    const [, expiry] = /^kero_tls_certificate_expiry_timestamp_seconds ([\d.e+]+)$/m.exec(text) ?? [];
    const days = (Number(expiry) - Date.now() / 1000) / 86_400;
    assert.ok(days > 360 && days < 370, `${days} days`);
  });

  test('does not start with a certificate that cannot be used', async (t) => {
    const { certFile } = certificateMaker(t)('kero');
    const environment = { RECEIVER_PORT: '0', RECEIVER_TLS_CERT_FILE: certFile, RECEIVER_TLS_KEY_FILE: certFile };
    const { context, deps } = await serviceFrame(t, environment);
    await assert.rejects(startReceiver(context, deps), (error) => {
      assert.ok(isKeroError(error, 'settings_invalid'));
      assert.match(error.message, /RECEIVER_TLS_KEY_FILE/);
      return true;
    });
  });

  test('stops with its context: not ready, then no connections, and the producer is closed last', async (t) => {
    const { context, stopping, deps } = await serviceFrame(t, { RECEIVER_PORT: '0' });
    const steps: string[] = [];
    let port = 0;
    const messaging = {
      ...deps.messaging,
      async producer() {
        const producer = await deps.messaging.producer();
        return {
          append: producer.append.bind(producer),
          health: () => producer.health(),
          async close() {
            steps.push(deps.health.report().up ? 'ready' : 'not ready');
            steps.push(
              await fetch(`http://127.0.0.1:${port}/health/live`).then(
                () => 'open',
                () => 'closed',
              ),
            );
            await producer.close();
          },
        };
      },
    };
    ({ port } = await startReceiver(context, { ...deps, messaging }));
    assert.equal(deps.health.report().up, true);
    stopping.abort();
    assert.equal(deps.health.report().up, false);
    await context.resources.disposeAsync();
    assert.deepEqual(steps, ['not ready', 'closed']);
  });

  test('says that a port is taken, and by which setting to change it', async (t) => {
    const first = await serviceFrame(t, { RECEIVER_PORT: '0' });
    const { port } = await startReceiver(first.context, first.deps);
    const second = await serviceFrame(t, { RECEIVER_PORT: String(port) });
    await assert.rejects(startReceiver(second.context, second.deps), (error) => {
      assert.ok(isKeroError(error, 'address_in_use'));
      assert.match(error.message, /RECEIVER_PORT/);
      return true;
    });
  });
});

describe('the receiver as a process', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const run = async (t: TestContext, environment: Record<string, string>) => {
    const child = spawn(process.execPath, [main], { cwd: throwawayFolder(t), env: { ...environment } });
    t.after(() => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, output };
  };

  test('needs Kafka, and says so', async (t) => {
    const { code, output } = await run(t, {});
    assert.equal(code, 1);
    assert.match(output, /KAFKA_BOOTSTRAP_SERVERS.*kero start/);
  });

  test('does not open itself to others unless it is told to', async (t) => {
    const { code, output } = await run(t, { RECEIVER_HOST: '0.0.0.0', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:9' });
    assert.equal(code, 1);
    assert.match(output, /RECEIVER_HOST: 0\.0\.0\.0 .*AUTH=none/);
  });
});
