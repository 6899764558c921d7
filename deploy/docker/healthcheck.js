// What HEALTHCHECK runs inside a container, so that the image needs no curl.
// node healthcheck.js live|ready PORT: asks the admin port; ADMIN_HOST and ADMIN_PORT win over the loopback and PORT.
import { get } from 'node:http';
import process from 'node:process';

const TIMEOUT_MS = 3000;
const EVERY_ADDRESS = ['0.0.0.0', '::'];

const [, , kind, defaultPort] = process.argv;
const { ADMIN_HOST, ADMIN_PORT } = process.env;
const host = !ADMIN_HOST || EVERY_ADDRESS.includes(ADMIN_HOST) ? '127.0.0.1' : ADMIN_HOST;
const port = ADMIN_PORT || defaultPort;

function unhealthy(why) {
  process.stdout.write(`${why}\n`);
  process.exit(1);
}

const request = get({ host, port, path: `/health/${kind}`, timeout: TIMEOUT_MS }, (response) => {
  // The answer names the part that is down; `docker inspect` shows it.
  response.pipe(process.stdout);
  response.on('end', () => {
    process.exitCode = response.statusCode === 200 ? 0 : 1;
  });
});
request.on('timeout', () => unhealthy(`the admin port did not answer within ${TIMEOUT_MS} ms`));
request.on('error', (error) => unhealthy(`the admin port cannot be asked: ${error.message}`));
