-- Version 2: schemes that were read from meters, stood there before a write, or were written; only ever added to.
CREATE TABLE meter_scheme (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    scheme TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX meter_scheme_last ON meter_scheme (meter_id, kind, id);
