-- For questions by hand: SELECT … FROM events_once(tenant = 'acme'), in which each event is once, as the copy of it that was received last.
-- What it costs: docs/warehouse.md. GLOBAL is for clusters; a single server takes no notice of it.
CREATE VIEW IF NOT EXISTS events_once AS
SELECT tenant_id, event_type, user_id, id, occurred_at, received_at, anonymous_id, event_id, payload
FROM events
WHERE tenant_id = {tenant: String} AND reinterpretAsUInt64(id) GLOBAL NOT IN (
    SELECT reinterpretAsUInt64(id) AS half FROM events WHERE tenant_id = {tenant: String} AND may_have_copies
    GROUP BY half HAVING count() > 1 OR max(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000))
UNION ALL
SELECT
    tenant_id, event_type, user_id, id, last.1 AS occurred_at, last.2 AS received_at, last.3 AS anonymous_id, last.4 AS event_id,
    last.5 AS payload
FROM (
    SELECT
        tenant_id, event_type, user_id, id,
        argMax((occurred_at, received_at, anonymous_id, event_id, payload), received_at) AS last
    FROM events
    WHERE tenant_id = {tenant: String} AND reinterpretAsUInt64(id) GLOBAL IN (
        SELECT reinterpretAsUInt64(id) AS half FROM events WHERE tenant_id = {tenant: String} AND may_have_copies
        GROUP BY half HAVING count() > 1 OR max(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000))
    GROUP BY tenant_id, event_type, user_id, id
);
