/** The words of pictures made in this browser: the gateway keeps none. */

const KEY = 'atelier-prompts';
const MOST = 300;

function all(): [id: string, prompt: string][] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as [string, string][];
  } catch {
    return []; // no storage, or not ours
  }
}

export function rememberPrompt(id: string, prompt: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([[id, prompt], ...all()].slice(0, MOST)));
  } catch {
    // A full or forbidden storage: the picture is there without its words.
  }
}

export function promptOf(id: string): string | null {
  return all().find(([known]) => known === id)?.[1] ?? null;
}

/** For signing out: the next one at this browser may be of another tenant. */
export function forgetPrompts(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // There was no storage to begin with.
  }
}
