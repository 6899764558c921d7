import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const STORE_PASSWORD = 'of-the-test';

export interface Certificates {
  /** PEM file of the CA. */
  readonly caFile: string;
  /** PKCS12 with the broker's key and its chain; its password is STORE_PASSWORD. */
  readonly keyStore: string;
}

const MAKE = ['-genkeypair', '-keyalg', 'EC', '-validity', '2'];

/** A CA in the folder, which must be there; gives the PEM file of its certificate. */
export async function makeCa(folder: string): Promise<string> {
  const caFile = join(folder, 'ca.pem');
  const store = join(folder, 'ca.p12');
  await keytool(store, [...MAKE, '-alias', 'ca', '-dname', 'CN=Test CA', '-ext', 'bc:critical=ca:true']);
  await keytool(store, ['-exportcert', '-rfc', '-alias', 'ca', '-file', caFile]);
  return caFile;
}

/** A CA of our own and a certificate that it signed for a broker called `localhost` (and by no IP address), in the folder. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const caStore = join(folder, 'ca.p12');
  const keyStore = join(folder, 'broker.p12');
  const caFile = await makeCa(folder);
  const [request, signed] = [join(folder, 'broker.csr'), join(folder, 'broker.pem')];
  await keytool(keyStore, [...MAKE, '-alias', 'broker', '-dname', 'CN=localhost']);
  await keytool(keyStore, ['-certreq', '-alias', 'broker', '-file', request]);
  const names = ['-ext', 'san=dns:localhost', '-validity', '2'];
  await keytool(caStore, ['-gencert', '-alias', 'ca', '-rfc', '-infile', request, '-outfile', signed, ...names]);
  await keytool(keyStore, ['-importcert', '-noprompt', '-alias', 'ca', '-file', caFile]);
  await keytool(keyStore, ['-importcert', '-noprompt', '-alias', 'broker', '-file', signed]);
  return { caFile, keyStore };
}

/** Part of Java, which the brokers need anyway. */
async function keytool(store: string, args: readonly string[]): Promise<void> {
  await run('keytool', [...args, '-keystore', store, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD]);
}
