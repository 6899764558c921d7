export {
  type AcceptedCredentials,
  type Authenticator,
  type Identity,
  type RefusalReason,
  type RequestHead,
  refusalReasons,
  type Verdict,
} from './auth.ts';
export { type AuthErrorCode, authError, authErrors } from './auth-errors.ts';
export { addAuthMetrics, authMetrics } from './auth-metrics.ts';
export { type AuthSettings, authSettings, isAuthConfigured } from './auth-settings.ts';
export { changeKeyFile, loadKeys } from './keys/change-key-file.ts';
export { addKey, type NewKey, type Rotation, revokeKey, rotateKey, type WithNewKey } from './keys/edit-keys.ts';
export { isKeyId } from './keys/key-text.ts';
export { type KeyState, keyState, type StoredKey } from './keys/stored-key.ts';
export { describeAuth, type OpenAuthOptions, openAuth } from './open-auth.ts';
export { type Scope, scopes } from './scopes.ts';
export { isSource } from './sources.ts';
