import { processorService } from '@kero/processor';
import { receiverService } from '@kero/receiver';
import { logFailure, type MainContext, runMain, type ServiceContext } from '@kero/runtime';
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { allGroups } from './all-settings.ts';
import { describeConfig } from './commands/config.ts';
import { registerDeadLetters } from './commands/dead-letters/register.ts';
import { registerKeys } from './commands/keys/register.ts';
import { runMigrate } from './commands/migrate.ts';
import { registerOffsets } from './commands/offsets/register.ts';
import { runRetention } from './commands/retention.ts';
import { registerSchemas } from './commands/schemas/register.ts';
import { sendEvent } from './commands/send.ts';
import { runSql } from './commands/sql.ts';
import { describeStart, startService } from './commands/start.ts';
import { runDemo } from './demo/demo.ts';
import { parseCount } from './option-values.ts';
import { type CommandProcess, commandLogger, type RunCommand, runCommand } from './run-command.ts';

export interface CliProcess extends CommandProcess {
  readonly argv: readonly string[];
}

type Service = (context: ServiceContext, main: MainContext<typeof allGroups>) => Promise<void>;

/** The `kero` command. Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runCli(process: CliProcess): Promise<number> {
  let exitCode = 0;
  const runAsService = (service: Service) => runMain(process, allGroups, service, { ownsAllSettings: true });
  const program = new Command('kero')
    .description('An event pipeline that loses nothing and doubles nothing: HTTP -> Kafka -> PostgreSQL.')
    .version(packageJson.version)
    .showHelpAfterError('(kero --help lists the commands)')
    .exitOverride();

  program
    .command('start')
    .description('run receiver and processor in one process; with no settings everything is embedded')
    .action(async () => {
      exitCode = await runAsService((context, { settings, logger }) =>
        startService(context, settings, logger, (running) => {
          const text = describeStart(running, settings, new Date());
          // A program that asked for JSON gets JSON; everybody else gets text, on a terminal or in a file.
          if (settings.runtime.logFormat === 'json') logger.info({ start: text.trim().split('\n') }, 'Kero is running');
          else process.stdout.write(`${text}\n`);
        }),
      );
    });
  program
    .command('receiver')
    .description('run the receiver alone: HTTP -> Kafka')
    .action(async () => {
      exitCode = await runAsService((context, { settings, logger }) => receiverService(context, settings, logger));
    });
  program
    .command('processor')
    .description('run the processor alone: Kafka -> PostgreSQL')
    .action(async () => {
      exitCode = await runAsService((context, { settings, logger }) => processorService(context, settings, logger));
    });
  program
    .command('migrate')
    .description("bring the database schema to this program's version")
    .action(async () => {
      exitCode = await runCommand(process, ({ settings, logger }) => runMigrate(settings, logger));
    });
  program
    .command('demo')
    .description('start everything in a temporary folder, send a few thousand events, and show that it all adds up')
    .option('--events <number>', 'how many new events to send', parseCount, 3000)
    .action(async (options: { events: number }) => {
      exitCode = await runDemo(process, options);
    });
  program
    .command('send')
    .description('post one event to a receiver')
    .option('--url <url>', 'the receiver', 'http://127.0.0.1:8000')
    .option('--user <id>', 'user_id', 'user-1')
    .option('--type <type>', 'event_type', 'purchase')
    .option('--data <json>', 'event_data, sent as typed', '{"item_id":"42","price":19.90}')
    .option('--timestamp <time>', 'event_timestamp, RFC 3339 (default: now)')
    .option('--event-id <id>', 'event_id; the same id again is the same event (default: a new one)')
    .option('--source <source>', 'source')
    .action(async (options) => {
      exitCode = await runCommand(process, async ({ settings }) => {
        const { sent, status, answer } = await sendEvent({ ...options, key: settings.auth.sendKey }, new Date());
        return { text: `sent      ${sent}\nanswered  ${status} ${answer}`, failed: status !== 202 };
      });
    });
  program
    .command('sql')
    .description('run one SQL statement on the rows, for those without psql')
    .argument('<statement>', 'for example: "select * from events limit 5"')
    .action(async (statement: string) => {
      exitCode = await runCommand(process, ({ settings, logger }) => runSql(statement, settings, logger));
    });
  const run: RunCommand = async (command) => {
    exitCode = await runCommand(process, command);
  };
  registerDeadLetters(program, run);
  registerOffsets(program, run);
  registerSchemas(program, run);
  registerKeys(program, run);
  program
    .command('retention')
    .description('drop the months that are older than EVENTS_RETENTION, where the processor has not got the right to')
    .option('--dry-run', 'name them, and drop nothing')
    .action((options: { dryRun?: boolean }) => run((context) => runRetention(options, context)));
  program
    .command('config')
    .description('print every setting, its value and where it came from')
    .option('--check', 'exit 1 when a setting is wrong')
    .action((options: { check?: boolean }) => {
      const { text, valid } = describeConfig(process.env);
      process.stdout.write(`${text}\n`);
      exitCode = options.check && !valid ? 1 : 0;
    });

  try {
    await program.parseAsync([...process.argv]);
    return exitCode;
  } catch (error) {
    // Commander has already said what is wrong; --help and --version end here with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    logFailure(commandLogger(), error);
    return 1;
  }
}
