/** Which events count, by when they occurred: from `since` to before `until`, each optional. */
export interface TimeWindow {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}
