/** Writes lib/ai/openapi.d.ts from lib/ai/openapi.json; with --check it only looks whether they still fit. */

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../lib/ai/openapi.json', import.meta.url);
const TYPES = new URL('../lib/ai/openapi.d.ts', import.meta.url);
const HEAD = '/** Written by `npm run types` from openapi.json: do not edit. */\n\n';

const types = HEAD + astToString(await openapiTypescript(DOCUMENT, { alphabetize: true }));

if (!process.argv.includes('--check')) {
  await writeFile(TYPES, types);
} else if (types !== (await readFile(TYPES, 'utf8').catch(() => ''))) {
  console.error(`${fileURLToPath(TYPES)} does not fit openapi.json beside it: run npm run types`);
  process.exitCode = 1;
}
