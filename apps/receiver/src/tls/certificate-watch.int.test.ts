import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { isKeroError } from '@kero/runtime';
import { startTestReceiver, untilTrue } from '../receiver-under-test.ts';
import { readCertificate } from './certificate.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { certificateMaker } from './certificates-under-test.ts';

const DAY_MS = 86_400_000;

/** A receiver whose certificate files are watched closely. */
async function startWatched(t: TestContext, { days = 365, nowMs = Date.now() } = {}) {
  const make = certificateMaker(t);
  const files = make('first', { days });
  const certificate = readCertificate(files);
  const kero = await startTestReceiver(t, { certificate });
  const lines: { level: string; msg: string }[] = [];
  const note = (level: string) => (msg: string) => void lines.push({ level, msg });
  const logger = { info: note('info'), warn: note('warn') } as unknown as ConstructorParameters<
    typeof CertificateWatch
  >[0]['logger'];
  const clock = { nowMs };
  const { renewCertificate: renew } = kero.receiver;
  const watch = new CertificateWatch({ files, certificate, renew, logger, now: () => clock.nowMs, intervalMs: 10 });
  t.after(() => watch[Symbol.dispose]());
  /** The name in the certificate that a new connection gets. */
  const served = async () => {
    const socket = connect({ host: '127.0.0.1', port: kero.port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  return { kero, make, files, watch, lines, clock, served };
}

describe('the files of a certificate', () => {
  test('that are replaced are served to new connections, while old ones live on', async (t) => {
    const { kero, make, files, lines, served } = await startWatched(t);
    assert.equal(await served(), 'first');
    const old = connect({ host: '127.0.0.1', port: kero.port, rejectUnauthorized: false });
    t.after(() => old.destroy());
    await once(old, 'secureConnect');

    const second = make('second');
    renameSync(second.certFile, files.certFile);
    renameSync(second.keyFile, files.keyFile);
    await untilTrue(() => lines.some(({ msg }) => /renewed: CN=second, valid until/.test(msg)));
    assert.equal(await served(), 'second');
    old.write('GET /health/live HTTP/1.1\r\nhost: t\r\n\r\n');
    const [chunk] = await once(old, 'data');
    assert.match(String(chunk), /^HTTP\/1\.1 200 /);
  });

  test('are seen also where a link is turned to others, as Kubernetes does it', async (t) => {
    const { make, files, watch } = await startWatched(t);
    const second = make('second');
    for (const [link, target] of [
      [files.certFile, second.certFile],
      [files.keyFile, second.keyFile],
    ] as const) {
      symlinkSync(target, `${link}.new`);
      renameSync(`${link}.new`, link);
    }
    await untilTrue(() => watch.current.subject === 'CN=second');
  });

  test('that do not fit together, are missing, or are nonsense change nothing but one log line', async (t) => {
    const { make, files, lines, served } = await startWatched(t);
    const second = make('second');
    const warnings = () => lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
    copyFileSync(second.certFile, files.certFile);
    await untilTrue(() => warnings().length === 1);
    assert.match(warnings()[0] ?? '', /the old one stays.*RECEIVER_TLS_KEY_FILE: the key is not that of/s);
    assert.equal(await served(), 'first');
    rmSync(files.keyFile);
    await untilTrue(() => warnings().length === 2);
    assert.match(warnings()[1] ?? '', /ENOENT/);
    writeFileSync(files.keyFile, 'nonsense');
    await untilTrue(() => warnings().length === 3);
    assert.match(warnings()[2] ?? '', /RECEIVER_TLS_KEY_FILE: holds no PEM private key/);
    assert.equal(await served(), 'first');
    copyFileSync(second.keyFile, files.keyFile);
    await untilTrue(() => lines.some(({ level }) => level === 'info'));
    assert.equal(await served(), 'second');
    assert.equal(warnings().length, 3, 'one line for each change');
  });
});

describe('a certificate that expires', () => {
  test('is warned about from 14 days before, once a day', async (t) => {
    const { lines, clock, watch } = await startWatched(t, { days: 30 });
    assert.equal(lines.length, 0);
    clock.nowMs = watch.current.validUntilMs - 14 * DAY_MS - 60_000;
    assert.equal(lines.length, 0);
    clock.nowMs += 120_000;
    await untilTrue(() => lines.length === 1);
    assert.match(lines[0]?.msg ?? '', /expires in 13 days \(RECEIVER_TLS_CERT_FILE\): CN=first/);
    clock.nowMs += DAY_MS;
    await untilTrue(() => lines.length === 2);
    clock.nowMs = watch.current.validUntilMs + 1;
    await untilTrue(() => lines.length === 3);
    assert.match(lines[2]?.msg ?? '', /has expired/);
  });
});

describe('a certificate that cannot be used', () => {
  const refusal = (files: Parameters<typeof readCertificate>[0]) => {
    try {
      readCertificate(files);
    } catch (error) {
      assert.ok(isKeroError(error, 'settings_invalid'));
      return error.message;
    }
    return 'none';
  };

  test('is refused with the setting of the file that is wrong', (t) => {
    const make = certificateMaker(t);
    const [first, second] = [make('first'), make('second')];
    assert.equal(refusal(first), 'none');
    assert.match(refusal({ ...first, certFile: '/nowhere' }), /RECEIVER_TLS_CERT_FILE: cannot be read: .*ENOENT/);
    assert.match(refusal({ ...first, keyFile: '/nowhere' }), /RECEIVER_TLS_KEY_FILE: cannot be read: .*ENOENT/);
    assert.match(refusal({ ...first, keyFile: second.keyFile }), /RECEIVER_TLS_KEY_FILE: the key is not that of/);
    assert.match(refusal({ ...first, certFile: first.keyFile }), /RECEIVER_TLS_CERT_FILE: holds no PEM certificate/);
    assert.match(refusal({ ...first, keyFile: first.certFile }), /RECEIVER_TLS_KEY_FILE: holds no PEM private key/);
    chmodSync(first.keyFile, 0o600);
    assert.equal(refusal(first), 'none');
  });
});
