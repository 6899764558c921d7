import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { describeError, settingsInvalid } from '@kero/runtime';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate (with the ones between it and the CA behind it) and its private key, both PEM, that fit together. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** For people. */
  readonly subject: string;
  /** Unix milliseconds. */
  readonly validUntilMs: number;
}

/** Throws KeroError `settings_invalid` that names the setting of the file that cannot be used. */
export function readCertificate(files: CertificateFiles): Certificate {
  return parseCertificate(
    attempt('RECEIVER_TLS_CERT_FILE', 'cannot be read', () => readFileSync(files.certFile, 'utf8')),
    attempt('RECEIVER_TLS_KEY_FILE', 'cannot be read', () => readFileSync(files.keyFile, 'utf8')),
  );
}

/** The same for what was read already. */
export function parseCertificate(cert: string, key: string): Certificate {
  const leaf = attempt('RECEIVER_TLS_CERT_FILE', 'holds no PEM certificate', () => new X509Certificate(cert));
  const what = 'holds no PEM private key (an encrypted one cannot be used)';
  const privateKey = attempt('RECEIVER_TLS_KEY_FILE', what, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw settingsInvalid(['RECEIVER_TLS_KEY_FILE: the key is not that of the certificate in RECEIVER_TLS_CERT_FILE']);
  }
  // What OpenSSL refuses only when it is used, such as keys that are too short.
  attempt('RECEIVER_TLS_CERT_FILE', 'cannot be used', () => createSecureContext({ cert, key }));
  return {
    cert,
    key,
    subject: (leaf.subject || leaf.subjectAltName || 'no name').replaceAll('\n', ', '),
    validUntilMs: leaf.validToDate.getTime(),
  };
}

function attempt<T>(setting: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw settingsInvalid([`${setting}: ${what}: ${describeError(error)}`]);
  }
}
