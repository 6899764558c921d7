import { type KafkaCluster, kafkaAvailability, startKafka } from '../../test/support/kafka/kafka-cluster.ts';

/** As Kafka's own start script has them: the broker of a test starts quicker, and is slower. */
const JAVA = ['-Xmx1G', '-Xms1G', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35'];

/** One real broker in a temporary folder. Stopped and removed at the end. Throws where none can be started. */
export async function startBroker(resources: AsyncDisposableStack): Promise<KafkaCluster> {
  const found = await kafkaAvailability();
  if (!found.available) throw new Error(`this bench needs a Kafka broker, which ${found.reason}`);
  return resources.use(await startKafka({ nodes: 1, java: JAVA }));
}
