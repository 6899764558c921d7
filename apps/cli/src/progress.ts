export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Progress {
  readonly update: (done: number) => void;
  readonly finish: () => void;
}

const BAR_WIDTH = 30;
const REDRAW_MS = 100;

/** A bar that redraws itself on a terminal; elsewhere (a file, CI) a line at each quarter. */
export function createProgress(output: ProgressOutput, label: string, total: number): Progress {
  let drawnAt = 0;
  let quarter = 0;
  const bar = (done: number) => {
    const filled = Math.round((BAR_WIDTH * done) / total);
    return `  ${label} [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${done}/${total}`;
  };
  return {
    update: (done) => {
      if (output.isTTY) {
        if (performance.now() - drawnAt < REDRAW_MS && done < total) return;
        drawnAt = performance.now();
        output.write(`\r${bar(done)}`);
      } else if (Math.floor((4 * done) / total) > quarter) {
        quarter = Math.floor((4 * done) / total);
        output.write(`  ${label} ${done}/${total}\n`);
      }
    },
    finish: () => {
      if (output.isTTY) output.write('\n');
    },
  };
}
