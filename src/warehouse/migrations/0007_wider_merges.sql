-- Merges take more parts at once, and so write every row fewer times: docs/warehouse.md, "Merges".
ALTER TABLE events MODIFY SETTING merge_selector_base = 40;
ALTER TABLE user_properties MODIFY SETTING merge_selector_base = 40;
