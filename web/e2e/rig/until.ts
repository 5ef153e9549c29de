/** Waits for a condition, and fails where it does not come true. */
export async function until(what: string, seconds: number, condition: () => boolean | Promise<boolean>) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
