import { bytes, integer, setting, settingsGroup, type ValuesOf } from '@kero/runtime';

const rate = integer(0, 1_000_000_000);
const burst = integer(1, 1_000_000_000);
const byteRate = bytes(0, 100 * 1024 ** 3);
const byteBurst = bytes(1, 100 * 1024 ** 3);

export const rateLimitSettings = settingsGroup(
  'Rate limits',
  {
    addressRequests: setting('RATE_LIMIT_ADDRESS_REQUESTS', rate, {
      default: '0',
      unit: 'requests a second',
      description: 'How many requests with events one address may send; 0: any number. Beyond it the answer is 429.',
    }),
    addressRequestsBurst: setting('RATE_LIMIT_ADDRESS_REQUESTS_BURST', burst, {
      unit: 'requests',
      description: 'How many of them may come at once. Without it: two seconds of the rate.',
    }),
    addressBytes: setting('RATE_LIMIT_ADDRESS_BYTES', byteRate, {
      default: '0',
      unit: 'a second',
      description: 'How many bytes of bodies, as they are sent, one address may send; 0: any number.',
    }),
    addressBytesBurst: setting('RATE_LIMIT_ADDRESS_BYTES_BURST', byteBurst, {
      description: 'How many of them may come at once. Without it: two seconds of the rate.',
    }),
    keyRequests: setting('RATE_LIMIT_KEY_REQUESTS', rate, {
      default: '0',
      unit: 'requests a second',
      description:
        'How many requests with events may be sent with one key; 0: any number. Beyond it the answer is 429.',
    }),
    keyRequestsBurst: setting('RATE_LIMIT_KEY_REQUESTS_BURST', burst, {
      unit: 'requests',
      description: 'How many of them may come at once. Without it: two seconds of the rate.',
    }),
    keyBytes: setting('RATE_LIMIT_KEY_BYTES', byteRate, {
      default: '0',
      unit: 'a second',
      description: 'How many bytes of bodies, as they are sent, may be sent with one key; 0: any number.',
    }),
    keyBytesBurst: setting('RATE_LIMIT_KEY_BYTES_BURST', byteBurst, {
      description: 'How many of them may come at once. Without it: two seconds of the rate.',
    }),
    failedAuth: setting('RATE_LIMIT_FAILED_AUTH', rate, {
      default: '20',
      unit: 'requests a second',
      description:
        'How many 401 one address may earn before all that it sends gets 429, so that keys cannot be tried out fast; 0: any number.',
    }),
    failedAuthBurst: setting('RATE_LIMIT_FAILED_AUTH_BURST', burst, {
      default: '100',
      unit: 'requests',
      description: 'How many of them may come at once.',
    }),
  },
  (values) =>
    [
      ['RATE_LIMIT_ADDRESS_REQUESTS', values.addressRequests, values.addressRequestsBurst],
      ['RATE_LIMIT_ADDRESS_BYTES', values.addressBytes, values.addressBytesBurst],
      ['RATE_LIMIT_KEY_REQUESTS', values.keyRequests, values.keyRequestsBurst],
      ['RATE_LIMIT_KEY_BYTES', values.keyBytes, values.keyBytesBurst],
    ].flatMap(([name, perSecond, atOnce]) =>
      perSecond === 0 && atOnce !== undefined ? [`${name}_BURST: has no effect without ${name}: set that too`] : [],
    ),
);

export type RateLimitSettings = ValuesOf<typeof rateLimitSettings>;
