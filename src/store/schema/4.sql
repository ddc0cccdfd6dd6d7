-- Version 4: keys that packages may be signed with, flashes of meters, and campaigns of them.
CREATE TABLE firmware_key (
    public BLOB PRIMARY KEY CHECK (length(public) = 32),
    name TEXT NOT NULL,
    trusted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each package has come in each meter.
CREATE TABLE flash (
    meter_id INTEGER NOT NULL REFERENCES meter,
    package BLOB NOT NULL CHECK (length(package) = 32),
    phase TEXT NOT NULL,
    outcome TEXT NOT NULL,
    blocks_done INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    message TEXT NOT NULL,
    updated INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (meter_id, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    package BLOB NOT NULL CHECK (length(package) = 32),
    file TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    plan TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX campaign_of_package ON campaign (package);
CREATE TABLE campaign_meter (
    campaign_id INTEGER NOT NULL REFERENCES campaign,
    meter_id INTEGER NOT NULL REFERENCES meter,
    wave INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, meter_id)
) STRICT, WITHOUT ROWID;
