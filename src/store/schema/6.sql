-- People, where the store has any. `lock` opens with the person's passphrase, `share` holds the vault's key for
-- whoever opened it and is nothing where the person may not sign in; what is in them only the vault knows.
CREATE TABLE person (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL,
    added INTEGER NOT NULL,
    signed_in INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    lock BLOB NOT NULL,
    share BLOB
) STRICT;
-- The number of the key that secrets are sealed with, once it was changed: what is sealed with another is refused.
CREATE TABLE vault_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number BLOB NOT NULL
) STRICT;
