-- Version 3: metering points, the meters that hung there one after the other, and transformer ratios.

-- `own_meter` is the meter that a point was made for while nobody had named it: it is renamed with that meter.
CREATE TABLE point (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    details TEXT NOT NULL,
    own_meter INTEGER REFERENCES meter
) STRICT;
-- Nothing in `from_at` is since the meter counts, nothing in `until_at` is still. `first` and `last` are the readings
-- at the two exchanges.
CREATE TABLE placement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    point_id INTEGER NOT NULL REFERENCES point,
    meter_id INTEGER NOT NULL REFERENCES meter,
    from_at INTEGER,
    until_at INTEGER,
    first TEXT NOT NULL DEFAULT '[]',
    last TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE UNIQUE INDEX placement_now ON placement (meter_id) WHERE until_at IS NULL;
CREATE INDEX placement_of_meter ON placement (meter_id);
CREATE INDEX placement_of_point ON placement (point_id);
-- A ratio holds until the next one of its point begins.
CREATE TABLE ratio (
    point_id INTEGER NOT NULL REFERENCES point,
    from_at INTEGER NOT NULL,
    transformers TEXT NOT NULL,
    classes TEXT NOT NULL,
    PRIMARY KEY (point_id, from_at)
) STRICT, WITHOUT ROWID;
-- What meters said of their ratios; only ever added to.
CREATE TABLE meter_ratio (
    id INTEGER PRIMARY KEY,
    meter_id INTEGER NOT NULL REFERENCES meter,
    read_at INTEGER NOT NULL,
    said TEXT NOT NULL
) STRICT;
CREATE INDEX meter_ratio_of_meter ON meter_ratio (meter_id);

-- Every meter that is listed gets its point: the one that was named, or one of its own.
INSERT INTO point (name, details)
    SELECT DISTINCT trim(json_extract(config, '$.point')), '{}' FROM meter
    WHERE removed_at IS NULL AND trim(ifnull(json_extract(config, '$.point'), '')) <> '';
INSERT INTO placement (point_id, meter_id)
    SELECT point.id, meter.id FROM meter JOIN point ON point.name = trim(json_extract(meter.config, '$.point'))
    WHERE meter.removed_at IS NULL;
INSERT INTO point (name, details, own_meter)
    SELECT CASE WHEN name IN (SELECT name FROM point) THEN name || ' (' || id || ')' ELSE name END, '{}', id
    FROM meter
    WHERE removed_at IS NULL AND trim(ifnull(json_extract(config, '$.point'), '')) = '';
INSERT INTO placement (point_id, meter_id) SELECT id, own_meter FROM point WHERE own_meter IS NOT NULL;
