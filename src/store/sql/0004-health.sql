-- What Envoys tell of live Dataplanes, beside the document: a byte an inbound. Not in history, which has the documents.
ALTER TABLE resources ADD COLUMN health TEXT NOT NULL DEFAULT '';
