-- What GET /api/ingestion/stats/ is answered from. Why projections, and why these: docs/warehouse.md
-- A merge that drops the repeats of an event computes the projections of the merged part anew.
ALTER TABLE events MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';

-- One row for all events of an hour and a type that cannot be repeats, since their id is fresh (a UUID of version 7); one for
-- each event whose id comes from a key of the caller. reinterpretAsUInt64 reads the half of the id that holds the version.
ALTER TABLE events ADD PROJECTION IF NOT EXISTS event_counts
(
    SELECT
        tenant_id,
        toStartOfHour(received_at),
        event_type,
        if(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000, toUUID('00000000-0000-0000-0000-000000000000'), id),
        if(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000, 0, sipHash64(user_id)),
        count()
    GROUP BY
        tenant_id,
        toStartOfHour(received_at),
        event_type,
        if(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000, toUUID('00000000-0000-0000-0000-000000000000'), id),
        if(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000, 0, sipHash64(user_id))
);

-- The users of an hour and of a day, as sets.
ALTER TABLE events ADD PROJECTION IF NOT EXISTS hourly_users
(
    SELECT tenant_id, toStartOfHour(received_at), uniqExact(sipHash64(user_id))
    GROUP BY tenant_id, toStartOfHour(received_at)
);

ALTER TABLE events ADD PROJECTION IF NOT EXISTS daily_users
(
    SELECT tenant_id, toStartOfDay(received_at), uniqExact(sipHash64(user_id))
    GROUP BY tenant_id, toStartOfDay(received_at)
);

-- How many events each user has in an hour: tells whether anything is left of a user when repeats are taken out.
ALTER TABLE events ADD PROJECTION IF NOT EXISTS hourly_user_counts
(
    SELECT tenant_id, toStartOfHour(received_at), sipHash64(user_id), count()
    GROUP BY tenant_id, toStartOfHour(received_at), sipHash64(user_id)
);

-- For the events that are there already; in the background, and answers are right meanwhile.
ALTER TABLE events
    MATERIALIZE PROJECTION event_counts,
    MATERIALIZE PROJECTION hourly_users,
    MATERIALIZE PROJECTION daily_users,
    MATERIALIZE PROJECTION hourly_user_counts
SETTINGS mutations_sync = 0;
