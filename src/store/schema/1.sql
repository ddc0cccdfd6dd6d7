-- The store, version 1. Instants are microseconds since 1970-01-01 UTC. OBIS codes are their six bytes.

-- Five bytes that tell this store from all others.
CREATE TABLE identity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number BLOB NOT NULL CHECK (length(number) = 5)
) STRICT;
INSERT INTO identity VALUES (1, randomblob(5));

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A meter that is removed stays as the owner of its readings. Numbers are never used again.
CREATE TABLE meter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    removed_at INTEGER,
    last_read INTEGER,
    last_result TEXT,
    last_ok INTEGER,
    drift_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX meter_name ON meter (name) WHERE removed_at IS NULL;

CREATE TABLE secret (
    meter_id INTEGER NOT NULL REFERENCES meter,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (meter_id, kind)
) STRICT, WITHOUT ROWID;

-- No foreign key: a meter that is only tried is not in the store, but what it was given counts.
CREATE TABLE counter (
    meter_id INTEGER NOT NULL,
    key_row TEXT NOT NULL,
    next INTEGER NOT NULL CHECK (next BETWEEN 0 AND 4294967295),
    PRIMARY KEY (meter_id, key_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE knowledge (
    meter_id INTEGER PRIMARY KEY REFERENCES meter,
    document TEXT NOT NULL
) STRICT;

-- A register as it was described when it was read; its readings are only ever added to.
CREATE TABLE register (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    instantaneous INTEGER NOT NULL,
    obis BLOB NOT NULL,
    attribute INTEGER NOT NULL,
    name TEXT NOT NULL,
    unit INTEGER NOT NULL,
    side TEXT NOT NULL,
    UNIQUE (meter_id, instantaneous, obis, attribute, name, unit, side)
) STRICT;
CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    register_id INTEGER NOT NULL REFERENCES register,
    read_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    stamp TEXT,
    stamp_at INTEGER
) STRICT;
CREATE INDEX reading_of_register ON reading (register_id);
CREATE TRIGGER reading_is_not_changed BEFORE UPDATE ON reading
BEGIN SELECT RAISE(ABORT, 'readings are not changed'); END;
CREATE TRIGGER reading_is_not_deleted BEFORE DELETE ON reading
BEGIN SELECT RAISE(ABORT, 'readings are not deleted'); END;

-- `identity` is what makes two layouts the same; `layout` is the whole document.
CREATE TABLE profile (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    meter_id INTEGER NOT NULL REFERENCES meter,
    obis BLOB NOT NULL,
    identity TEXT NOT NULL,
    layout TEXT NOT NULL,
    UNIQUE (meter_id, identity)
) STRICT;
-- `day` counts from 1970-01-01; the interval that ends at midnight belongs to the day before.
CREATE TABLE day_block (
    profile_id INTEGER NOT NULL REFERENCES profile,
    day INTEGER NOT NULL,
    intervals INTEGER NOT NULL,
    first_end INTEGER NOT NULL,
    last_end INTEGER NOT NULL,
    block BLOB NOT NULL,
    PRIMARY KEY (profile_id, day)
) STRICT, WITHOUT ROWID;
-- Versions of intervals that others replaced, each as a block of one.
CREATE TABLE superseded (
    id INTEGER PRIMARY KEY,
    profile_id INTEGER NOT NULL REFERENCES profile,
    day INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    block BLOB NOT NULL
) STRICT;
CREATE INDEX superseded_of_day ON superseded (profile_id, day);

CREATE TABLE billing_set (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    profile BLOB NOT NULL,
    at INTEGER NOT NULL,
    stamp TEXT
) STRICT;
CREATE INDEX billing_set_of_meter ON billing_set (meter_id, at);
-- The highest version of a position is in force; the ones below it were replaced by another reading of the set.
CREATE TABLE billing_register (
    set_id INTEGER NOT NULL REFERENCES billing_set,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    obis BLOB NOT NULL,
    attribute INTEGER NOT NULL,
    name TEXT NOT NULL,
    unit INTEGER NOT NULL,
    side TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    stamp TEXT,
    stamp_at INTEGER,
    PRIMARY KEY (set_id, position, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    log BLOB NOT NULL,
    at INTEGER NOT NULL,
    code INTEGER,
    stamp TEXT,
    detail TEXT NOT NULL,
    text TEXT NOT NULL,
    until INTEGER
) STRICT;
CREATE UNIQUE INDEX event_once
    ON event (meter_id, log, at, ifnull(code, -1), ifnull(stamp, ''), detail);
CREATE INDEX event_of_meter ON event (meter_id, at);

CREATE TABLE clock_reading (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    stamp TEXT NOT NULL,
    meter_utc INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    uncertainty_ms INTEGER NOT NULL,
    sign_looks_inverted INTEGER NOT NULL
) STRICT;
CREATE INDEX clock_reading_of_meter ON clock_reading (meter_id);

CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    submitted INTEGER NOT NULL,
    ended INTEGER,
    trace_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_with_trace ON job (id, trace_bytes) WHERE trace_bytes > 0;
-- Results and traffic of a meter that is only tried have a number that is no stored meter's.
CREATE TABLE job_result (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES job,
    meter_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    fault TEXT,
    registers INTEGER NOT NULL,
    intervals INTEGER NOT NULL,
    events INTEGER NOT NULL,
    exchanges INTEGER NOT NULL,
    bytes_sent INTEGER NOT NULL,
    bytes_received INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX job_result_of_job ON job_result (job_id);
CREATE INDEX job_result_of_meter ON job_result (meter_id);
CREATE TABLE trace (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES job,
    meter_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    masked TEXT NOT NULL,
    note TEXT
) STRICT;
CREATE INDEX trace_of_job ON trace (job_id);

-- `hash` covers the row and the hash of the row before.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit chain is not changed'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit chain is not deleted'); END;
