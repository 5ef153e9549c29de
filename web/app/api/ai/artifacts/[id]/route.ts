/** GET: the bytes of a file, or a part of them, `?download=name` to keep it under that name. DELETE: it is gone. */

import { artifactFile, deleteArtifact } from '@/lib/ai/gateway';
import { attachment, fileAnswer } from '@/lib/answers';
import { type Asked, route } from '@/lib/route';

async function answer({ request, caller, params, query, options }: Asked, headOnly: boolean) {
  const asked = {
    headOnly,
    range: request.headers.get('range') ?? undefined,
    ifRange: request.headers.get('if-range') ?? undefined,
    ifNoneMatch: request.headers.get('if-none-match') ?? undefined,
  };
  const file = await artifactFile(caller, params.id ?? '', asked, options);
  return fileAnswer(file, query.download ? attachment(query.download, file.headers.get('content-type')) : {});
}

export const GET = route((asked) => answer(asked, false));

/** Left out, Next would answer by GET, and never read nor close the file that came. */
export const HEAD = route((asked) => answer(asked, true));

export const DELETE = route(async ({ caller, params, options }) => {
  await deleteArtifact(caller, params.id ?? '', options);
  return new Response(null, { status: 204 });
});
