import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { describeError, settingsInvalid } from '@kero/runtime';
import type { BaseOptions } from '@platformatic/kafka';
import type { KafkaConfig } from '../messaging-settings.ts';

/** How to reach the brokers; the same for every client of one opened log. */
export interface Connection {
  readonly brokers: KafkaConfig['brokers'];
  readonly clientId: string;
  readonly security: Pick<BaseOptions, 'tls' | 'tlsServerName' | 'sasl'>;
}

/** Reads the CA file. Throws KeroError `settings_invalid` when it cannot be read. */
export async function readConnection(config: KafkaConfig): Promise<Connection> {
  const usesTls = config.securityProtocol === 'SSL' || config.securityProtocol === 'SASL_SSL';
  // Brokers behind one address are told apart by the server name, which must not be an IP address.
  const named = config.brokers.every(({ host }) => isIP(host) === 0);
  return {
    brokers: config.brokers,
    clientId: config.clientId,
    security: {
      ...(usesTls && { tls: config.sslCaFile ? { ca: await readCa(config.sslCaFile) } : {}, tlsServerName: named }),
      ...(config.sasl && { sasl: config.sasl }),
    },
  };
}

/** Node takes whatever it is given and finds no CA in it: the brokers would seem to be untrusted. */
async function readCa(file: string): Promise<Buffer> {
  try {
    const content = await readFile(file);
    new X509Certificate(content);
    return content;
  } catch (error) {
    const problem = `KAFKA_SSL_CA_FILE: ${describeError(error)}: name a PEM file with a certificate that this user may read`;
    throw settingsInvalid([problem]);
  }
}

/**
 * Options that every client takes. `rotation` moves the list of brokers round: a client asks the first one that accepts a
 * connection, and one that hangs still accepts connections. So whoever builds a client anew after a failure counts it up.
 */
export function clientOptions({ brokers, clientId, security }: Connection, role: string, rotation: number) {
  const first = rotation % brokers.length;
  return {
    clientId: `${clientId}-${role}`,
    bootstrapBrokers: [...brokers.slice(first), ...brokers.slice(0, first)].map(({ host, port }) => ({ host, port })),
    ...security,
    strict: true,
    autocreateTopics: false,
  } satisfies BaseOptions;
}

/** `127.0.0.1:9092, 127.0.0.1:9093` */
export function addresses({ brokers }: Pick<Connection, 'brokers'>): string {
  return brokers.map(({ host, port }) => `${host}:${port}`).join(', ');
}
