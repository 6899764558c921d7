import { authMetrics } from '@kero/auth';
import { circuitMetrics, lagMetrics } from '@kero/messaging';
import { processorMetrics } from '@kero/processor';
import { receiverMetrics } from '@kero/receiver';
import { type MetricTable, runtimeMetrics, workerMetrics } from '@kero/runtime';

/** docs/metrics.md, from the tables that the metrics themselves are made of. */
export function renderMetricsDoc(note: string): string {
  return `${note}

# Metrics

Every process shows its metrics at \`/metrics\` of its admin port (\`ADMIN_HOST\`, \`ADMIN_PORT\`: 9101 for \`kero start\` and the receiver,
9102 for the processor) in the text format of Prometheus; never on the public port. Names and labels are stable. Counters count from
the start of the process. What to do when something is wrong: [operations.md](operations.md).

\`\`\`yaml
scrape_configs:
  - job_name: kero
    static_configs:
      - targets: ['127.0.0.1:9101', '127.0.0.1:9102']
\`\`\`

## Receiver

${renderTable(receiverMetrics)}

${renderTable(authMetrics)}

${renderTable(circuitMetrics)}

With \`RECEIVER_WORKERS\` above 1 there is one admin port, and what it shows is of all processes together
([operations.md](operations.md#several-workers-on-one-port)).

${renderTable(workerMetrics)}

## Processor

Its counters add up at every moment:
\`kero_records_read_total\` = stored + duplicate + redelivered + skipped + the sum of \`kero_dead_letters_total\`.

${renderTable(processorMetrics)}

## The log, from receiver and processor alike

The log itself is asked how far the group has come, by every process: the numbers stay true when a processor stands still, and they do
not vanish with it as long as a receiver runs. Several processes show the same numbers: take \`max by (partition)\`, not the sum.

${renderTable(lagMetrics)}

With \`EVENTS_COMMIT_SKIPPED=false\` skipped records count as lag until the next stored one is committed.

## Every process

${renderTable(runtimeMetrics)}

And what Node and the operating system tell: \`process_*\` and \`nodejs_*\`. The most useful of them:

| metric | what it is |
|---|---|
| \`process_resident_memory_bytes\` | memory of the process |
| \`process_cpu_seconds_total\` | processor time, user and system |
| \`process_open_fds\` | open files and sockets, against \`process_max_fds\` |
| \`nodejs_eventloop_lag_p99_seconds\` | how late the event loop runs, since the scrape before |
| \`nodejs_eventloop_lag_max_seconds\` | the longest time it stood still, since the scrape before |
| \`nodejs_heap_size_used_bytes\` | memory of JavaScript objects |

## What to alert on

| metric | when |
|---|---|
${[receiverMetrics, authMetrics, circuitMetrics, workerMetrics, processorMetrics, lagMetrics, runtimeMetrics].flatMap(renderAlerts).join('\n')}
| \`up\` | The process is gone: 0 for more than a minute. |
`;
}

function renderTable(table: MetricTable): string {
  const rows = Object.values(table).map(({ name, type, label, help }) => {
    const labelled = label === undefined ? name : `${name}{${label}}`;
    return `| \`${labelled}\` | ${type} | ${cell(help)} |`;
  });
  return ['| metric | type | what it is |', '|---|---|---|', ...rows].join('\n');
}

function renderAlerts(table: MetricTable): string[] {
  return Object.values(table).flatMap(({ name, alert }) => (alert ? [`| \`${name}\` | ${cell(alert)} |`] : []));
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
