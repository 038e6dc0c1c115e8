/** Runs work of the same key one after the other, in the order in which it came. */
export class Turns {
  /** The last work of each key that has any. */
  private readonly last = new Map<string, Promise<unknown>>();
  /** How much of each group is running or waiting. */
  private readonly sizes = new Map<string, number>();

  /**
   * @param maxOfGroup work of a group that may be running or waiting at the same moment
   * @param refusal what more of it is refused with
   */
  constructor(
    private readonly maxOfGroup: number,
    private readonly refusal: () => Error,
  ) {}

  /** @throws what `refusal` makes, without running the work, when the group has as much as it may */
  async take<T>({ key, group }: { key: string; group: string }, work: () => Promise<T>): Promise<T> {
    const size = this.sizes.get(group) ?? 0;
    if (size >= this.maxOfGroup) {
      throw this.refusal();
    }
    this.sizes.set(group, size + 1);
    const before = this.last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work).finally(() => {
      if (this.last.get(key) === turn) this.last.delete(key);
      const left = (this.sizes.get(group) ?? 1) - 1;
      if (left > 0) this.sizes.set(group, left);
      else this.sizes.delete(group);
    });
    this.last.set(key, turn);
    return turn;
  }
}
