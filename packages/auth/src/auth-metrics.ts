import type { Metrics, MetricTable } from '@kero/runtime';
import type { Authenticator } from './auth.ts';

export const authMetrics = {
  refusals: {
    name: 'kero_auth_refusals_total',
    type: 'counter',
    label: 'reason',
    help: 'Requests that were not let in, by the reason, which the client is not told: `no_credentials`, `misplaced`, `malformed`, `unknown_key`, `wrong_secret`, `revoked`, `expired`, `invalid_token`, `missing_scope`, `unavailable`. Only with authentication.',
    alert: '`unavailable` grows; many `unknown_key` or `wrong_secret` (somebody tries keys).',
  },
  keysAge: {
    name: 'kero_api_keys_age_seconds',
    type: 'gauge',
    together: 'max',
    help: 'Time since API_KEYS_FILE was last read and found good. Beyond API_KEYS_MAX_AGE keys get 503. Only with API_KEYS_FILE.',
    alert: 'Above 10: the file cannot be read, and nothing that was revoked since has an effect.',
  },
} as const satisfies MetricTable;

export function addAuthMetrics(metrics: Metrics, authenticator: Authenticator): void {
  metrics.add(authMetrics.refusals, () => Object.entries(authenticator.refusals));
  metrics.add(authMetrics.keysAge, () => authenticator.keysAgeSeconds());
}
