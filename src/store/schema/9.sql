-- How far a profile or log was read by asking, where rows of it also came unasked.
CREATE TABLE asked_until (
    meter_id INTEGER NOT NULL REFERENCES meter,
    profile BLOB NOT NULL,
    until INTEGER,
    PRIMARY KEY (meter_id, profile)
) STRICT, WITHOUT ROWID;

-- Invocation counters of what a meter pushed under one key: the highest, and which of those just below it came.
CREATE TABLE push_counter (
    meter_id INTEGER NOT NULL REFERENCES meter,
    key BLOB NOT NULL,
    highest INTEGER NOT NULL,
    below INTEGER NOT NULL,
    PRIMARY KEY (meter_id, key)
) STRICT, WITHOUT ROWID;
