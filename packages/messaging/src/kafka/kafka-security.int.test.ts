import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isKeroError, loadSettings } from '@kero/runtime';
import { makeCa, makeCertificates, STORE_PASSWORD } from '../../../../test/support/kafka/certificates.ts';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { kafkaAvailability, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { throwawayTopic } from '../../../../test/support/kafka/kafka-topics.ts';
import { Reading, record } from '../contract/log-under-test.contract.ts';
import { messagingConfig, messagingSettings } from '../messaging-settings.ts';
import { openMessaging } from '../open-messaging.ts';

const REAUTHENTICATE_MS = 2000;
const folder = mkdtempSync(join(tmpdir(), 'kero-certificates-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const isAvailable = (await kafkaAvailability()).available;
const others = join(folder, 'others');
mkdirSync(others);
const [{ caFile, keyStore }, otherCaFile] = isAvailable
  ? await Promise.all([makeCertificates(folder), makeCa(others)])
  : [{ caFile: '', keyStore: '' }, ''];

const plainUsers =
  'org.apache.kafka.common.security.plain.PlainLoginModule required username="b" password="b" user_kero="right";';
const scramUsers = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
const config = {
  'inter.broker.listener.name': 'PLAINTEXT',
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': keyStore,
  'ssl.keystore.password': STORE_PASSWORD,
  'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'listener.name.secure.plain.sasl.jaas.config': plainUsers,
  'listener.name.secure.scram-sha-256.sasl.jaas.config': scramUsers,
  'listener.name.secure.scram-sha-512.sasl.jaas.config': scramUsers,
  'listener.name.secure.connections.max.reauth.ms': String(REAUTHENTICATE_MS),
  'listener.name.passwords.sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.passwords.plain.sasl.jaas.config': plainUsers,
};
const listeners = [
  { name: 'SECURE', protocol: 'SASL_SSL', host: 'localhost' },
  { name: 'TLS', protocol: 'SSL', host: 'localhost' },
  { name: 'PASSWORDS', protocol: 'SASL_PLAINTEXT', host: '127.0.0.1' },
] as const;
const formatArguments = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
  '--add-scram',
  `${mechanism}=[name=kero,password=right]`,
]);

await withKafka({ nodes: 1, ownNodes: true, config, listeners, formatArguments }, (kafka) => {
  /** Opens the log as a process does that has these settings in its environment. */
  const open = (listener: 'SECURE' | 'TLS' | 'PASSWORDS' | 'PLAINTEXT', settings: Record<string, string>) => {
    const brokers = listener === 'PLAINTEXT' ? kafka.bootstrapServers : kafka.bootstrapServersOf(listener);
    const environment = {
      KAFKA_BOOTSTRAP_SERVERS: brokers.join(','),
      KAFKA_TOPIC: throwawayTopic(),
      KAFKA_TOPIC_CREATE: 'true',
      KAFKA_TOPIC_PARTITIONS: '1',
      KAFKA_TOPIC_REPLICATION: '1',
      ...settings,
    };
    const { values } = loadSettings({ messaging: messagingSettings }, { environment });
    const context = { dataDirectory: join(folder, 'none'), clientId: 'kero-test', maxEventBytes: 1024 };
    return openMessaging(messagingConfig(values.messaging, context), collectingLogger());
  };
  const tls = { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_FILE: caFile };
  const secure = {
    ...tls,
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_USERNAME: 'kero',
    KAFKA_SASL_PASSWORD: 'right',
  };
  const passwords = { ...secure, KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_MECHANISM: 'PLAIN' };

  describe('records are appended and read', { concurrency: true }, () => {
    const ways = {
      'with TLS and a SCRAM-SHA-512 password, which is the default': ['SECURE', secure],
      'with TLS and a SCRAM-SHA-256 password': ['SECURE', { ...secure, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }],
      'with TLS and a PLAIN password': ['SECURE', { ...secure, KAFKA_SASL_MECHANISM: 'PLAIN' }],
      'with TLS alone': ['TLS', tls],
      'with a PLAIN password alone': ['PASSWORDS', passwords],
    } as const;
    for (const [way, [listener, settings]] of Object.entries(ways)) {
      test(way, async (t) => {
        const messaging = await open(listener, settings);
        t.after(() => messaging.close());
        await (await messaging.producer()).append([record('k', 'v')], { deadlineMs: 20_000 });
        const reading = new Reading(await messaging.consumer(throwawayTopic('group')), {});
        await reading.untilValues(['v']);
      });
    }

    test('while the brokers ask for the password again and again', async (t) => {
      const messaging = await open('SECURE', secure);
      t.after(() => messaging.close());
      const producer = await messaging.producer();
      const reading = new Reading(await messaging.consumer(throwawayTopic('group')), {});
      const startedAt = performance.now();
      const values: string[] = [];
      while (performance.now() - startedAt < 3 * REAUTHENTICATE_MS) {
        values.push(`v-${values.length}`);
        await producer.append([record('k', `v-${values.length - 1}`)], { deadlineMs: 2000 });
        await reading.untilValues(values.slice(-1));
      }
      assert.deepEqual(reading.values(), values);
    });
  });

  describe('a problem is told with the setting it may be', { concurrency: true }, () => {
    const problems = {
      'a wrong password': [
        'SECURE',
        { ...secure, KAFKA_SASL_PASSWORD: 'wr0ng' },
        /refused the credentials/,
        /KAFKA_SASL_PASSWORD/,
      ],
      'an unknown user': [
        'PASSWORDS',
        { ...passwords, KAFKA_SASL_USERNAME: 'nobody' },
        /refused the credentials/,
        /KAFKA_SASL_USERNAME/,
      ],
      'a mechanism that the brokers do not have': [
        'PASSWORDS',
        { ...passwords, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' },
        /refused the credentials: .*UNSUPPORTED_SASL_MECHANISM/,
        /KAFKA_SASL_MECHANISM/,
      ],
      'an unknown CA': [
        'TLS',
        { KAFKA_SECURITY_PROTOCOL: 'SSL' },
        /CA that is not trusted/,
        /Name the CA .* KAFKA_SSL_CA_FILE/,
      ],
      'the CA of others': [
        'TLS',
        { ...tls, KAFKA_SSL_CA_FILE: otherCaFile },
        /CA that is not trusted/,
        /KAFKA_SSL_CA_FILE: it does not hold/,
      ],
      'a name that is not in the certificate': [
        'TLS',
        { ...tls, KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServersOf('TLS').join().replace('localhost', '127.0.0.1') },
        /certificate for another name/,
        /KAFKA_BOOTSTRAP_SERVERS/,
      ],
      'no TLS where the brokers want it': ['TLS', {}, /want TLS/, /KAFKA_SECURITY_PROTOCOL=SSL/],
      'TLS where the brokers have none': [
        'PLAINTEXT',
        tls,
        /broke off the TLS handshake/,
        /KAFKA_SECURITY_PROTOCOL=PLAINTEXT/,
      ],
    } as const;
    for (const [problem, [listener, settings, message, remedy]] of Object.entries(problems)) {
      test(problem, async () => {
        const startedAt = performance.now();
        await assert.rejects(open(listener, settings), (error) => {
          assert.ok(isKeroError(error, 'log_unavailable'), String(error));
          assert.match(error.message, message);
          assert.match(error.remedy, remedy);
          assert.doesNotMatch(`${error.message} ${error.stack}`, /wr0ng|right/);
          return true;
        });
        assert.ok(performance.now() - startedAt < 20_000);
      });
    }

    test('a CA file that holds no certificate', async () => {
      const empty = join(folder, 'empty.pem');
      writeFileSync(empty, 'no certificate');
      await assert.rejects(open('TLS', { ...tls, KAFKA_SSL_CA_FILE: empty }), (error) => {
        assert.ok(isKeroError(error, 'settings_invalid'));
        assert.match(error.message, /KAFKA_SSL_CA_FILE/);
        return true;
      });
    });
  });
});
