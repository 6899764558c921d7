import { type SystemOptions, startEmbeddedSystem } from './embedded-system.ts';
import { startKafkaSystem } from './kafka-system.ts';
import type { System, SystemKind } from './system.ts';

export async function startSystem(kind: SystemKind, options: SystemOptions): Promise<System> {
  switch (kind) {
    case 'embedded':
      return startEmbeddedSystem(options);
    case 'kafka':
      return startKafkaSystem(options);
  }
}
