-- What of history is gone, and the index that reading it needs.

-- Rows that a revision up to this one superseded may be missing: the state of this revision is the oldest that can be told, the
-- changes of the next one the oldest that can be listed. Where history was not written for a while, that while is gone.
ALTER TABLE state ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
UPDATE state SET pruned = coalesce((SELECT min(revision) - 1 FROM revisions), revision);

-- What a revision wrote and a later one superseded is asked for by the revision that wrote it.
CREATE INDEX history_revision ON history (revision);
