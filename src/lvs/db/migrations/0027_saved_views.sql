-- Selections of the gallery that people gave a name.
CREATE TABLE saved_views (
    id INTEGER PRIMARY KEY,
    view_id TEXT NOT NULL UNIQUE,          -- 16 hexadecimal digits: its name in addresses and start pages
    name TEXT NOT NULL,
    key TEXT NOT NULL,                     -- what two spellings of a name share
    query TEXT NOT NULL,                   -- as in the address of the gallery, without the question mark
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE UNIQUE INDEX saved_views_named ON saved_views (key) WHERE deleted_at IS NULL;

-- The journal of saved views: the views concerned as they were and as they became.
CREATE TABLE saved_view_changes (
    id INTEGER PRIMARY KEY,                -- above every id of a change of a tag
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    before TEXT NOT NULL,                  -- JSON
    after TEXT NOT NULL,                   -- JSON
    client TEXT NOT NULL,
    undoes INTEGER                         -- the change that this one took back
) STRICT;

CREATE INDEX saved_view_changes_undoing ON saved_view_changes (undoes) WHERE undoes IS NOT NULL;
