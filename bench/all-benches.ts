import type { Bench } from './framework/bench.ts';
import { batches } from './questions/batches.ts';
import { catchUp } from './questions/catch-up.ts';
import { embeddedLog } from './questions/embedded-log.ts';
import { endToEndEmbedded } from './questions/end-to-end-embedded.ts';
import { endToEndKafka } from './questions/end-to-end-kafka.ts';
import { largeTable } from './questions/large-table.ts';
import { latency } from './questions/latency.ts';
import { memory } from './questions/memory.ts';
import { singlePosts } from './questions/single-posts.ts';
import { soak } from './questions/soak.ts';
import { startUp } from './questions/start-up.ts';
import { workers } from './questions/workers.ts';
import { writeStep } from './questions/write-step.ts';

/** In the order of the page. */
export const allBenches: readonly Bench[] = [
  singlePosts,
  workers,
  batches,
  writeStep,
  largeTable,
  endToEndKafka,
  latency,
  memory,
  embeddedLog,
  endToEndEmbedded,
  catchUp,
  startUp,
  soak,
];
