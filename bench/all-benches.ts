import type { Bench } from './framework/bench.ts';
import { batches } from './questions/batches.ts';
import { embeddedLog } from './questions/embedded-log.ts';
import { singlePosts } from './questions/single-posts.ts';

/** In the order of the page. */
export const allBenches: readonly Bench[] = [singlePosts, batches, embeddedLog];
