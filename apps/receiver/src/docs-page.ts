import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type AnswerKind, answerKind } from './answer-kind.ts';
import type { Handler } from './exchange.ts';
import type { Routes } from './router.ts';

/** Nothing from anywhere else: the page works offline, and a script that found its way into it does not run. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kero: the HTTP API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript. The same as a document: <a href="/api/v1/openapi.json">OpenAPI</a>.</noscript>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/docs.js"></script>
</body>
</html>
`;

const SCRIPT = `SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#api',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

/** The files of swagger-ui-dist that are served; nothing else of that folder can be asked for. */
const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const;

/** The page on which a person reads the API and tries it. */
export function docsRoutes(): Routes {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const page = text('text/html; charset=utf-8', PAGE);
  const assets = Object.entries(ASSETS).map(([name, type]) => [
    `/docs/${name}`,
    { GET: asset(join(folder, name), type) },
  ]);
  return {
    '/docs': { GET: page },
    '/docs/': { GET: page },
    '/docs/docs.js': { GET: text('text/javascript; charset=utf-8', SCRIPT) },
    ...Object.fromEntries(assets),
  };
}

function text(type: string, body: string): Handler {
  const kind = documentAnswer(type, 'no-store');
  return ({ response, headers }) => response.send(kind, headers, body);
}

/** Read at the first request for it, and kept. */
function asset(path: string, type: string): Handler {
  const kind = documentAnswer(type, 'max-age=3600');
  let content: Promise<Buffer> | undefined;
  return async ({ response, headers }) => {
    content ??= readFile(path);
    response.send(kind, headers, await content);
  };
}

function documentAnswer(type: string, cacheControl: string): AnswerKind {
  return answerKind(200, [
    'content-type',
    type,
    'cache-control',
    cacheControl,
    'x-content-type-options',
    'nosniff',
    'referrer-policy',
    'no-referrer',
    'content-security-policy',
    CONTENT_SECURITY_POLICY,
  ]);
}
