/** The load, in a process and (where that can be had) on a core of its own. */
import { offer } from '../support/program.ts';
import { Load, type LoadOptions } from './load.ts';

let load: Load | undefined;

offer({
  start: async (options: LoadOptions) => {
    load = await Load.start(options);
  },
  take: () => load?.take(),
  stop: () => load?.stop(),
});
