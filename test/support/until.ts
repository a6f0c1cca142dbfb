/** Waits until a condition holds; after ten seconds it throws with the condition's source. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`after ${ms} ms this was still not so: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
