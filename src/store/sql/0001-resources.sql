-- The first schema: live resources, the revision counter, and history from the first day.
--
-- A revision is one client transaction. Live rows carry the revision that wrote them; the row they replaced moves to history
-- with the revision that superseded it, so "the world at revision R" is answerable: revision <= R < superseded.

-- One row: a counter that a transaction takes its revision from with UPDATE ... RETURNING.
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO state (id, revision) VALUES (1, 0);

CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    author TEXT NOT NULL,
    origin INTEGER NOT NULL, -- enum res_origin
    time INTEGER NOT NULL -- ns since 1970
) STRICT;

-- What mesh-scoped rows refer to. The Mesh's own document is a row of resources like any other.
CREATE TABLE meshes (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE resources (
    type TEXT NOT NULL,
    mesh TEXT REFERENCES meshes (name), -- NULL: of global scope
    name TEXT NOT NULL,
    spec BLOB NOT NULL, -- canonical JSON
    labels TEXT NOT NULL DEFAULT '{}',
    format INTEGER NOT NULL DEFAULT 0, -- of spec: 0 plain
    origin INTEGER NOT NULL, -- enum res_origin
    created INTEGER NOT NULL, -- ns since 1970
    modified INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
-- NULLs are distinct in an index, hence one for each scope. The first one also serves the foreign key.
CREATE UNIQUE INDEX resources_in_mesh ON resources (mesh, type, name);
CREATE UNIQUE INDEX resources_global ON resources (type, name) WHERE mesh IS NULL;

-- Superseded rows. No foreign key to meshes: history outlives its mesh.
CREATE TABLE history (
    type TEXT NOT NULL,
    mesh TEXT,
    name TEXT NOT NULL,
    spec BLOB NOT NULL,
    labels TEXT NOT NULL,
    format INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    superseded INTEGER NOT NULL REFERENCES revisions (revision)
) STRICT;
CREATE INDEX history_superseded ON history (superseded);
CREATE INDEX history_of_resource ON history (type, mesh, name, revision);
