/** A condition that users of one tenant meet or do not, as SQL with bound parameters. The files beside this one make them. */
export interface UserCondition {
  /** SELECT of one column, `user_id`, in which every user is at most once. */
  readonly sql: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}
