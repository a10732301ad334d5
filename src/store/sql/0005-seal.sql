-- Specs of types that may hold a key are sealed. 'format' of a row is 0 for plain text, else the number of the key that opens it.

-- 1: what such rows said before they were sealed may still be in unused parts of the file.
ALTER TABLE state ADD COLUMN traces INTEGER NOT NULL DEFAULT 0;
