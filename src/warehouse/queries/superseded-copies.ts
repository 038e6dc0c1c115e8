// Which stored rows do not count, because another row of the same event was received later.
//
// A row with `may_have_copies = 0` was the first of its id when it was stored, so two such rows are two events. Of any two rows of one
// event at least one therefore has the flag, and only ids of flagged rows need a look. The first copy of an event may be a row
// without the flag; the service writes such rows under ids of UUID version 7 only.

/** The expressions of the projection `events_by_hour`; with others ClickHouse would read the rows. */
export const HOUR = 'toStartOfHour(received_at)';
const V7 = 'bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000';
/** 0: without the flag. 1: flagged, and an earlier copy may be without it. 2: flagged, and so is every copy. */
const COPIES = `if(may_have_copies = 0, 0, if(${V7}, 1, 2))`;
const FLAGGED_ID = `if(may_have_copies = 0, toUUID('00000000-0000-0000-0000-000000000000'), id)`;
const FLAGGED_USER = `if(may_have_copies = 0, '', user_id)`;
/** Of equal halves few belong to different ids. They are found in half the time, and the whole key decides. */
const half = (id: string) => `reinterpretAsUInt64(${id})`;

/** Where the statement looks. */
export interface CopiesScope {
  /** The table. */
  readonly events: string;
  /** SQL of the bucket's start, made of {@link HOUR}. */
  readonly bucket: string;
  /** SQL that is true for the tenant's events of the range, made of {@link HOUR}. */
  readonly within: string;
}

/**
 * SELECT of `start`, `type`, `user`, `superseded` and `moved`: how many rows of a user and a type do not count in a bucket, and
 * whether the event of one of them counts in another bucket. Of the rows of an event one that was received last counts.
 */
export function supersededCopies({ events, bucket, within }: CopiesScope): string {
  const ofProjection = (select: string, condition: string) =>
    `SELECT ${select} FROM ${events} WHERE ${within} AND ${condition} GROUP BY ${HOUR}, event_type, ${FLAGGED_ID}, ${FLAGGED_USER}`;
  const repeatedHalves = `
    SELECT ${half(FLAGGED_ID)} AS half FROM ${events} WHERE ${within} AND ${COPIES} > 0 GROUP BY half HAVING count() > 1`;
  // Those of no flagged row under an id of version 7 are never read: the set of keys is empty then, and so is the range of the table's key.
  const firstRows = `
    SELECT ${bucket} AS start, event_type, user_id AS user, id AS event, count() AS copies
    FROM ${events}
    PREWHERE ${half('id')} IN (${ofProjection(half(FLAGGED_ID), `${COPIES} = 1`)})
    WHERE ${within} AND may_have_copies = 0
      AND (event_type, user_id, id) IN (${ofProjection(`event_type, ${FLAGGED_USER}, ${FLAGGED_ID}`, `${COPIES} = 1`)})
    GROUP BY start, event_type, user, event`;
  return `
    SELECT copy.1 AS start, user, toString(event_type) AS type, toInt64(sum(copy.2 - (copy.1 = last))) AS superseded, max(copy.1 != last) AS moved
    FROM (
      SELECT event_type, user, max(start) AS last, arrayJoin(groupArray((start, copies))) AS copy
      FROM (
        SELECT start, event_type, user, event, sum(copies) AS copies
        FROM (
          SELECT ${bucket} AS start, event_type, ${FLAGGED_USER} AS user, ${FLAGGED_ID} AS event, count() AS copies
          FROM ${events}
          WHERE ${within} AND (${COPIES} = 1 OR ${COPIES} = 2 AND ${half(FLAGGED_ID)} IN (${repeatedHalves}))
          GROUP BY start, event_type, user, event
          UNION ALL
          ${firstRows}
        )
        GROUP BY start, event_type, user, event
      )
      GROUP BY event_type, user, event
      HAVING sum(copies) > 1
    )
    GROUP BY start, user, type
    HAVING superseded > 0`;
}
