-- What people say of a tag itself. `words` is derived: further words by which the search finds its videos, which are its
-- aliases and the names and aliases of the tags above it.
ALTER TABLE tags ADD COLUMN colour TEXT;                                -- #rrggbb
ALTER TABLE tags ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE tags ADD COLUMN parent_id INTEGER REFERENCES tags (id) ON DELETE SET NULL;
ALTER TABLE tags ADD COLUMN words TEXT NOT NULL DEFAULT '';

CREATE INDEX tags_of_parent ON tags (parent_id) WHERE parent_id IS NOT NULL;

-- Other names of a tag. No alias has the key of a tag.
CREATE TABLE tag_aliases (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_aliases_of_tag ON tag_aliases (tag_id);

-- The journal of tags themselves: what was done, and the tags concerned as they were and as they became.
CREATE TABLE tag_changes (
    id INTEGER PRIMARY KEY,                -- above every id of a change of a video
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    target TEXT,                           -- the other tag: a new name, the tag merged into
    renamed TEXT,                          -- JSON: key before and after
    before TEXT NOT NULL,                  -- JSON
    after TEXT NOT NULL,                   -- JSON
    films INTEGER NOT NULL,                -- how many videos got or lost a tag, or show another name
    client TEXT NOT NULL,
    undoes INTEGER                         -- the change that this one took back
) STRICT;

CREATE INDEX tag_changes_undoing ON tag_changes (undoes) WHERE undoes IS NOT NULL;

-- The videos that got (1) or lost (0) a tag by it.
CREATE TABLE tag_change_films (
    change_id INTEGER NOT NULL REFERENCES tag_changes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    given INTEGER NOT NULL,
    created_at INTEGER NOT NULL,           -- when the video had been given the tag
    PRIMARY KEY (change_id, key, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_change_films_of_video ON tag_change_films (video_id);

-- Whoever keeps tags in memory hears of a change of the tags themselves, too; it concerns no video of its own.
CREATE TRIGGER tag_described AFTER UPDATE OF name, key, colour, description, parent_id ON tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', 0, NEW.id);
END;

CREATE TRIGGER tag_removed AFTER DELETE ON tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', 0, OLD.id);
END;

CREATE TRIGGER tag_alias_added AFTER INSERT ON tag_aliases BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', 0, NEW.tag_id);
END;

CREATE TRIGGER tag_alias_removed AFTER DELETE ON tag_aliases BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', 0, OLD.tag_id);
END;
