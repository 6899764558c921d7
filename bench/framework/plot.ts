/** One curve of a plot: values at even distances from the start to the end. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A panel: curves that share an axis. */
export interface Panel {
  /** With the unit. */
  readonly title: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 760;
const PANEL_HEIGHT = 150;
const LEFT = 60;
const RIGHT = 120;
const TOP = 26;
const BOTTOM = 22;
const COLORS = ['#0b6bcb', '#c4432b', '#2f8f4e', '#8a5cc2'];

/** Panels one above the other, with the same time below each; readable on light and on dark pages. `title`: for who cannot see it. */
export function renderPlot(title: string, panels: readonly Panel[], xTitle: string): string {
  const height = panels.length * PANEL_HEIGHT + 20;
  const parts = panels.map((panel, n) => renderPanel(panel, n * PANEL_HEIGHT));
  const label = text(WIDTH / 2, height - 6, xTitle, 'middle');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<title>${title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
${label}
</svg>
`;
}

function renderPanel({ title, curves }: Panel, offset: number): string {
  const points = curves.flatMap((curve) => curve.points);
  const xMax = Math.max(1e-9, ...points.map(([x]) => x));
  const yMax = niceCeiling(Math.max(1e-9, ...points.map(([, y]) => y)));
  const bottom = offset + PANEL_HEIGHT - BOTTOM;
  const xOf = (x: number) => LEFT + (x / xMax) * (WIDTH - LEFT - RIGHT);
  const yOf = (y: number) => bottom - (y / yMax) * (PANEL_HEIGHT - TOP - BOTTOM);
  const grid = [0, 0.5, 1].map((share) => {
    const y = yOf(yMax * share);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#dddddd"/>${text(LEFT - 6, y + 4, formatTick(yMax * share), 'end')}`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(xOf(xMax * share), bottom + 14, formatTick(xMax * share), 'middle'),
  );
  const lines = curves.map((curve, n) => {
    const color = COLORS[n % COLORS.length] ?? '#000000';
    const path = curve.points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' ');
    const name = `<text x="${WIDTH - RIGHT + 8}" y="${offset + TOP + 12 + n * 16}" fill="${color}">${curve.name}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>${name}`;
  });
  return [text(LEFT, offset + 16, title, 'start'), ...grid, ...ticks, ...lines].join('\n');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#333333">${content}</text>`;
}

/** The next of 1, 2, 5, 10, 20, ... */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}

function formatTick(value: number): string {
  return String(Number(value.toPrecision(2)));
}
