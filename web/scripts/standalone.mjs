/** After a build: puts beside the standalone server what it serves as files, which Next leaves to others. */

import { cpSync, existsSync } from 'node:fs';

const to = '.next/standalone';
cpSync('.next/static', `${to}/.next/static`, { recursive: true });
if (existsSync('public')) cpSync('public', `${to}/public`, { recursive: true });
