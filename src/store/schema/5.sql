-- Version 5: meter lists with their runs, meters at rest, who runs the lists, and gaps.

-- `handled` is the last due instant that was decided on, `deferred` when a missed run is made up for.
CREATE TABLE list (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    handled INTEGER NOT NULL,
    deferred INTEGER,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX list_name ON list (name) WHERE removed_at IS NULL;

CREATE TABLE list_run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL REFERENCES list,
    cause TEXT NOT NULL,
    due INTEGER NOT NULL,
    until INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX list_run_of_list ON list_run (list_id, id);
CREATE INDEX list_run_open ON list_run (id) WHERE ended IS NULL;
CREATE INDEX list_run_started ON list_run (started);

-- Every meter of a run from its beginning on; line, group and template as they were then.
CREATE TABLE list_outcome (
    run_id INTEGER NOT NULL REFERENCES list_run,
    meter_id INTEGER NOT NULL REFERENCES meter,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    at INTEGER,
    blame TEXT,
    words TEXT NOT NULL,
    registers INTEGER NOT NULL,
    intervals INTEGER NOT NULL,
    events INTEGER NOT NULL,
    line TEXT NOT NULL,
    meter_group TEXT NOT NULL,
    template TEXT NOT NULL,
    PRIMARY KEY (run_id, meter_id)
) STRICT, WITHOUT ROWID;

-- Meters that failed in one run after the other; `until` is when they are tried again.
CREATE TABLE meter_rest (
    meter_id INTEGER PRIMARY KEY REFERENCES meter,
    failed_runs INTEGER NOT NULL,
    until INTEGER
) STRICT;

-- The one process that runs the lists.
CREATE TABLE lease (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- What a meter said when it was asked for missing intervals, by the ends of the intervals around them.
CREATE TABLE gap_note (
    meter_id INTEGER NOT NULL REFERENCES meter,
    profile BLOB NOT NULL,
    after INTEGER NOT NULL,
    before INTEGER NOT NULL,
    reason TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (meter_id, profile, after, before)
) STRICT, WITHOUT ROWID;
-- Intervals that were stored with stamps in the future, first and last end: read again when their time has come.
CREATE TABLE stamped_ahead (
    meter_id INTEGER NOT NULL REFERENCES meter,
    profile BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (meter_id, profile)
) STRICT, WITHOUT ROWID;
-- Days whose number of intervals says nothing of gaps: ends that come twice, or off the period's grid.
CREATE TABLE odd_day (
    profile_id INTEGER NOT NULL REFERENCES profile,
    day INTEGER NOT NULL,
    PRIMARY KEY (profile_id, day)
) STRICT, WITHOUT ROWID;
