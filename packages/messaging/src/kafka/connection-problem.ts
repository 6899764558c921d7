import type { KafkaConfig } from '../messaging-settings.ts';
import { addresses } from './client-options.ts';
import { isAuthenticationFailure, reasonOf, says, systemErrors } from './kafka-errors.ts';

export interface ConnectionProblem {
  readonly message: string;
  /** Which setting to look at. */
  readonly remedy: string;
  /** Waiting does not help: a setting is wrong, here or on the brokers. */
  readonly isFinal: boolean;
}

const UNKNOWN_CA = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
];

/** Why no broker can be used, for people: what is wrong, and which setting it may be. */
export function connectionProblem(error: unknown, config: KafkaConfig): ConnectionProblem {
  const brokers = `the Kafka brokers (${addresses(config)})`;
  const reason = reasonOf(error);
  const codes = systemErrors(error);
  const problem = (message: string, remedy: string, isFinal = true) => ({ message, remedy, isFinal });
  if (isAuthenticationFailure(error)) {
    const remedy = 'Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.';
    return problem(`${brokers} refused the credentials: ${reason}`, remedy);
  }
  if (UNKNOWN_CA.some((code) => codes.has(code))) {
    const remedy = config.sslCaFile
      ? 'Check KAFKA_SSL_CA_FILE: it does not hold the CA that signed the certificates of the brokers.'
      : 'Name the CA of the brokers in KAFKA_SSL_CA_FILE.';
    return problem(`${brokers} have a certificate of a CA that is not trusted here: ${reason}`, remedy);
  }
  if (codes.has('ERR_TLS_CERT_ALTNAME_INVALID')) {
    const remedy =
      'Use a name that is in their certificates, in KAFKA_BOOTSTRAP_SERVERS and in advertised.listeners of the brokers.';
    return problem(`${brokers} have a certificate for another name: ${reason}`, remedy);
  }
  if (codes.has('CERT_HAS_EXPIRED') || codes.has('CERT_NOT_YET_VALID')) {
    return problem(`${brokers} have a certificate that is not valid now: ${reason}`, 'Renew it; check the clocks.');
  }
  if (says(error, 'Broker requires TLS')) {
    const wanted = config.sasl ? 'SASL_SSL' : 'SSL';
    return problem(`${brokers} want TLS: ${reason}`, `Set KAFKA_SECURITY_PROTOCOL=${wanted}, or use another port.`);
  }
  if (
    says(error, 'verify the broker supports TLS') ||
    codes.has('EPROTO') ||
    codes.has('ERR_SSL_WRONG_VERSION_NUMBER')
  ) {
    const wanted = config.sasl ? 'SASL_PLAINTEXT' : 'PLAINTEXT';
    const remedy = `If they do not use TLS on this port, set KAFKA_SECURITY_PROTOCOL=${wanted}.`;
    // A broker that stops looks the same for a moment.
    return problem(`${brokers} broke off the TLS handshake: ${reason}`, remedy, false);
  }
  const remedy = 'Check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL, and that the brokers run.';
  return problem(`no Kafka broker could be used (${addresses(config)}): ${reason}`, remedy, false);
}
