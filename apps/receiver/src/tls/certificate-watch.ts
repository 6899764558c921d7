import { readFile } from 'node:fs/promises';
import { describeError, type Logger } from '@kero/runtime';
import { type Certificate, type CertificateFiles, parseCertificate } from './certificate.ts';

const DAY_MS = 86_400_000;

/** Renewals usually happen a month before the end: who comes here has a renewal that does not work. */
const WARN_BEFORE_MS = 14 * DAY_MS;

export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly certificate: Certificate;
  /** Gets the certificate that new connections shall see. */
  readonly renew: (certificate: Certificate) => void;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly intervalMs?: number;
}

/**
 * Looks at the files every few seconds, by their content: that sees every way in which they can be replaced (renamed, written
 * over, a link that points elsewhere). What cannot be used, such as a new certificate whose key is still to come, changes
 * nothing but one log line.
 */
export class CertificateWatch implements Disposable {
  readonly #options: CertificateWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #current: Certificate;
  #seen: string;
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  #looking = false;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#current = options.certificate;
    this.#seen = options.certificate.cert + options.certificate.key;
    this.#warnOfExpiry();
    this.#timer = setInterval(() => void this.#look(), options.intervalMs ?? 5000);
    this.#timer.unref();
  }

  get current(): Certificate {
    return this.#current;
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { files, renew, logger } = this.#options;
    let seen = '';
    try {
      const [cert, key] = await Promise.all([readFile(files.certFile, 'utf8'), readFile(files.keyFile, 'utf8')]);
      seen = cert + key;
      if (seen !== this.#seen) {
        const certificate = parseCertificate(cert, key);
        renew(certificate);
        this.#current = certificate;
        this.#warnedAtMs = Number.NEGATIVE_INFINITY;
        logger.info(`the certificate was renewed: ${describeCertificate(certificate)}`);
      }
    } catch (error) {
      seen ||= describeError(error);
      if (seen !== this.#seen) {
        logger.warn(`the certificate files changed and cannot be used; the old one stays: ${describeError(error)}`);
      }
    } finally {
      this.#seen = seen;
      this.#looking = false;
    }
    this.#warnOfExpiry();
  }

  #warnOfExpiry(): void {
    const { now, logger } = this.#options;
    const leftMs = this.#current.validUntilMs - now();
    if (leftMs > WARN_BEFORE_MS || now() - this.#warnedAtMs < DAY_MS) return;
    this.#warnedAtMs = now();
    const state = leftMs > 0 ? `expires in ${Math.floor(leftMs / DAY_MS)} days` : 'has expired: clients refuse it';
    logger.warn(`the certificate ${state} (RECEIVER_TLS_CERT_FILE): ${describeCertificate(this.#current)}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

export function describeCertificate({ subject, validUntilMs }: Certificate): string {
  return `${subject}, valid until ${new Date(validUntilMs).toISOString()}`;
}
