import { describeError, type KeroError } from '@kero/runtime';
import { schemaError } from '../schema-errors.ts';
import type { RegistryConfig } from '../schema-settings.ts';

/** One version of a subject, as the registry has it. */
export interface RegisteredSchema {
  readonly subject: string;
  readonly id: number;
  readonly version: number;
  /** `JSON`, `AVRO` (which the registry does not spell out), `PROTOBUF`. */
  readonly schemaType: string;
  /** The schema as text. */
  readonly schema: string;
  readonly hasReferences: boolean;
}

/** Whether the registry would take a schema as the next version. */
export interface CompatibilityVerdict {
  readonly compatible: boolean;
  readonly messages: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
/** The codes that the registry itself gives with a 404; a 404 without one comes from something else at this address. */
const SUBJECT_NOT_FOUND = 40401;
const VERSION_NOT_FOUND = 40402;

/**
 * The few calls of the Confluent REST API that Kero makes. Everything rejects with KeroError `schemas_unavailable` when the
 * registry cannot be asked or its answer is none, within the time-out of the configuration.
 */
export class RegistryClient {
  readonly #config: RegistryConfig;
  readonly #closed = new AbortController();

  constructor(config: RegistryConfig) {
    this.#config = config;
  }

  /** The newest version of a subject; undefined when the registry has no such subject. */
  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    return await this.#version(`/subjects/${encodeURIComponent(subject)}/versions/latest`);
  }

  async subjects(): Promise<string[]> {
    const { body } = await this.#call('GET', '/subjects');
    if (!isListOf(body, 'string')) throw this.#strange('a list of subjects');
    return body;
  }

  async versions(subject: string): Promise<number[]> {
    const { body } = await this.#call('GET', `/subjects/${encodeURIComponent(subject)}/versions`);
    if (!isListOf(body, 'number')) throw this.#strange('a list of versions');
    return body;
  }

  /** Undefined when there is no version to compare with. */
  async compatibility(subject: string, schema: string): Promise<CompatibilityVerdict | undefined> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    const answer = await this.#call('POST', path, { schemaType: 'JSON', schema }, [404, 422]);
    if (answer.status === 404) return undefined;
    if (answer.status === 422) throw refusal(answer);
    const { is_compatible: compatible, messages } = Object(answer.body);
    if (typeof compatible !== 'boolean') throw this.#strange('a verdict');
    return { compatible, messages: isListOf(messages, 'string') ? messages : [] };
  }

  /** Gives the id. Rejects with `schema_refused` when the registry does not take it. */
  async register(subject: string, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#call('POST', path, { schemaType: 'JSON', schema }, [409, 422]);
    if (answer.status !== 200) throw refusal(answer);
    const { id } = Object(answer.body);
    if (typeof id !== 'number') throw this.#strange('an id');
    return id;
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#closed.abort();
  }

  async #version(path: string): Promise<RegisteredSchema | undefined> {
    const answer = await this.#call('GET', path, undefined, [404]);
    if (answer.status === 404) return undefined;
    const { subject, id, version, schemaType = 'AVRO', schema, references } = Object(answer.body);
    const isOne = typeof subject === 'string' && typeof id === 'number' && typeof version === 'number';
    if (!isOne || typeof schemaType !== 'string' || typeof schema !== 'string') throw this.#strange('a schema');
    const hasReferences = Array.isArray(references) && references.length > 0;
    return { subject, id, version, schemaType, schema, hasReferences };
  }

  /** Answers with 200, or with one of the other statuses that the caller expects. */
  async #call(method: 'GET' | 'POST', path: string, body?: object, expected: readonly number[] = []): Promise<Answer> {
    const { url, credentials, timeoutMs } = this.#config;
    const where = `${method} ${url}${path}`;
    const headers: Record<string, string> = { accept: `${MEDIA_TYPE}, application/json` };
    if (body) headers['content-type'] = MEDIA_TYPE;
    if (credentials) {
      const { username, password } = credentials;
      headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    }
    let status: number;
    let text: string;
    let location: string | null;
    try {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeoutMs)]);
      const init = {
        method,
        headers,
        signal,
        redirect: 'manual',
        ...(body && { body: JSON.stringify(body) }),
      } as const;
      const response = await fetch(`${url}${path}`, init);
      status = response.status;
      location = response.headers.get('location');
      text = await readText(response);
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      const what = isTimeout ? `no answer within ${timeoutMs} ms (SCHEMA_REGISTRY_TIMEOUT)` : describeError(error);
      throw schemaError('schemas_unavailable', `the Schema Registry cannot be asked: ${where}: ${what}`, {
        cause: error,
      });
    }
    const parsed = parseJson(text);
    const code = errorCodeOf(parsed);
    const isNotFound = code === SUBJECT_NOT_FOUND || code === VERSION_NOT_FOUND;
    const isExpected = expected.includes(status) && (status !== 404 || isNotFound);
    if (status === 200 || isExpected) return { status, body: parsed };
    throw unexpected(where, { status, body: parsed }, location);
  }

  #strange(expected: string): KeroError {
    return schemaError(
      'schemas_unavailable',
      `the answer of the Schema Registry at ${this.#config.url} is not ${expected}`,
    );
  }
}

function unexpected(where: string, answer: Answer, location: string | null): KeroError {
  const message = `the Schema Registry answered ${answer.status} to ${where}${messageOf(answer)}`;
  const remedy = REMEDIES[answer.status >= 300 && answer.status < 400 ? 300 : answer.status];
  const to = location === null ? '' : `, and points to ${location.slice(0, 200)}`;
  return schemaError('schemas_unavailable', `${message}${to}`, remedy === undefined ? {} : { remedy });
}

const REMEDIES: Readonly<Record<number, string>> = {
  300: 'Kero follows no redirects, so that a password goes nowhere else: set SCHEMA_REGISTRY_URL to the address that answers.',
  401: 'Set SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD to what the registry expects.',
  403: 'Give the user of SCHEMA_REGISTRY_USERNAME the right to read the subject.',
  404: 'Set SCHEMA_REGISTRY_URL to the place that /subjects stands behind; with Apicurio that ends with /apis/ccompat/v7.',
};

function refusal(answer: Answer): KeroError {
  return schemaError('schema_refused', `the Schema Registry answered ${answer.status}${messageOf(answer)}`);
}

function messageOf({ body }: Answer): string {
  const { message, error_code: code } = Object(body);
  if (typeof message !== 'string') return '';
  return ` (${typeof code === 'number' ? `${code}: ` : ''}${message.slice(0, 1000)})`;
}

function errorCodeOf(body: unknown): number | undefined {
  const { error_code: code } = Object(body);
  return typeof code === 'number' ? code : undefined;
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isListOf(value: unknown, type: 'string'): value is string[];
function isListOf(value: unknown, type: 'number'): value is number[];
function isListOf(value: unknown, type: string): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}
