"""Reads many virtual meters with gurux_dlms and stores nothing: fleet_with_gurux.py JOB (see fleet.py)."""

import datetime

from gurux_dlms.objects import GXDLMSProfileGeneric

import fleet_work
from read_with_gurux import Reader


class Counting(Reader):
    sent = 0

    def exchange(self, data, reply):
        self.sent += bool(data)
        super().exchange(data, reply)


def prepare(job):
    start = datetime.datetime.fromtimestamp(job["from"], datetime.timezone.utc)
    end = datetime.datetime.fromtimestamp(job["to"], datetime.timezone.utc)
    return GXDLMSProfileGeneric(job["profile"]), start, end


def read_one(job, place, prepared):
    reader = Counting({**job, **place})
    reader.open()
    reader.get(8, "0.0.1.0.0.255", 2)
    items = [(reader.item(class_id, code), attribute) for class_id, code, attribute in job["registers"]]
    found = [value for frames in reader.client.readList(items) for value in reader.ask(frames).value]
    rows = reader.ask(reader.client.readRowsByRange(*prepared)).value
    reader.close()
    if len(found) != len(job["registers"]) or len(rows) < job["least_rows"]:
        raise RuntimeError(f"{len(found)} registers and {len(rows)} rows")
    return reader.sent


if __name__ == "__main__":
    fleet_work.run(prepare, read_one)
