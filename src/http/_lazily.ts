/**
 * Loads something with the first call, and gives the same from then on: asking again for a module that is there already
 * takes as long as a small statement in the database.
 *
 * @param load Loads it; when it fails, the next call tries again.
 */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () =>
    loading ??= load().catch((error) => {
      loading = undefined;
      throw error;
    });
}
