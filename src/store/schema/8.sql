-- A store's own templates. Each change is a row of its own that is never changed: what a meter was read with can be
-- looked up later. A template that is removed keeps its rows; its name is free again.
CREATE TABLE template (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    origin TEXT,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX template_name ON template (name) WHERE removed_at IS NULL;
CREATE TABLE template_version (
    template_id INTEGER NOT NULL REFERENCES template,
    version INTEGER NOT NULL CHECK (version > 0),
    text TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (template_id, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER template_version_is_not_changed BEFORE UPDATE ON template_version
BEGIN SELECT RAISE(ABORT, 'versions of templates are not changed'); END;
CREATE TRIGGER template_version_is_not_deleted BEFORE DELETE ON template_version
BEGIN SELECT RAISE(ABORT, 'versions of templates are not deleted'); END;
