-- The newest event that was deleted from the outbox: one that is not newer may have been told, whenever it took effect
-- elsewhere. Null: before it was kept.
alter table outbox_swept add column through_event UUID;
