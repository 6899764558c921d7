import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { throwawayTopic } from '../../../../test/support/kafka/kafka-topics.ts';
import { Reading, record } from '../contract/log-under-test.contract.ts';
import { openKafka } from './open-kafka.ts';

const users = 'username="broker" password="b" user_broker="b" user_kero="right"';
const withPasswords = {
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
};

await withKafka({ nodes: 1, ownNodes: true, config: withPasswords }, (kafka) => {
  const topic = throwawayTopic();
  const withPassword = (password: string) =>
    kafkaConfig(kafka, topic, {
      securityProtocol: 'SASL_PLAINTEXT',
      sasl: { mechanism: 'PLAIN', username: 'kero', password },
      createTopic: { partitions: 1, replication: 1 },
    });

  test('with the right password records are appended and read', async (t) => {
    const messaging = await openKafka(withPassword('right'), collectingLogger());
    t.after(() => messaging.close());
    await (await messaging.producer()).append([record('k', 'v')], { deadlineMs: 20_000 });
    const reading = new Reading(await messaging.consumer('g'), {});
    await reading.untilValues(['v']);
  });

  test('a wrong password is told at once, and never shown', async () => {
    const startedAt = performance.now();
    await assert.rejects(openKafka(withPassword('wr0ng'), collectingLogger()), (error) => {
      assert.ok(isKeroError(error, 'log_unavailable'));
      assert.match(error.message, /refused the credentials.*SASL_AUTHENTICATION_FAILED/);
      assert.match(error.remedy, /KAFKA_SASL_PASSWORD/);
      assert.doesNotMatch(`${error.message} ${error.stack}`, /wr0ng/);
      return true;
    });
    assert.ok(performance.now() - startedAt < 10_000);
  });
});
