-- The addresses that names of a mesh stand for: no resources, no history; they go with their mesh.

CREATE TABLE vips (
    mesh TEXT NOT NULL REFERENCES meshes (name),
    kind INTEGER NOT NULL, -- enum vip_kind
    name TEXT NOT NULL,
    address INTEGER NOT NULL, -- IPv4
    unused INTEGER NOT NULL, -- ns since 1970: found out of use then; 0: in use
    PRIMARY KEY (mesh, kind, name),
    UNIQUE (mesh, address)
) STRICT, WITHOUT ROWID;
