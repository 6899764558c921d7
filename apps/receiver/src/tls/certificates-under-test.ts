import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CertificateFiles } from './certificate.ts';

export interface TestCertificate extends CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates for 127.0.0.1 that sign themselves, in a folder that goes with the test. */
export function certificateMaker(t: TestContext): (name: string, options?: { days?: number }) => TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'kero-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return (name, { days = 365 } = {}) => {
    const certFile = join(folder, `${name}.crt`);
    const keyFile = join(folder, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', String(days), ...subject], {
      stdio: 'pipe',
    });
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  };
}
