"""Acts on a virtual meter with gurux_dlms, a program of its own: control_with_gurux.py JOB.

JOB is as in `read_with_gurux.py`, with "clock_set": seconds of the epoch. Prints what the meter showed at each step.
"""

import datetime
import json
import sys

from gurux_dlms import GXDateTime
from gurux_dlms.objects import GXDLMSClock, GXDLMSDisconnectControl, GXDLMSScriptTable

from read_with_gurux import Reader

CLOCK = (8, "0.0.1.0.0.255", 2)
CONTACTOR = (70, "0.0.96.3.10.255")


def act(job):
    reader = Reader(job)
    reader.open()
    seen = {}
    clock = GXDLMSClock("0.0.1.0.0.255")
    clock.time = GXDateTime(datetime.datetime.fromtimestamp(job["clock_set"], datetime.timezone.utc))
    reader.ask(reader.client.write(clock, 2))
    seen["set"] = bytes(reader.get(*CLOCK)).hex()
    reader.ask(clock.shiftTime(reader.client, -90))
    seen["shifted"] = bytes(reader.get(*CLOCK)).hex()
    reader.ask(clock.adjustToMinute(reader.client))
    seen["minute"] = bytes(reader.get(*CLOCK)).hex()

    contactor = GXDLMSDisconnectControl(CONTACTOR[1])
    state = lambda: [reader.get(*CONTACTOR, attribute) for attribute in (2, 3, 4)]
    seen["before"] = state()
    reader.ask(contactor.remoteDisconnect(reader.client))
    seen["open"] = state()
    reader.ask(contactor.remoteReconnect(reader.client))
    seen["closed"] = state()

    count = lambda: reader.get(1, "1.0.0.1.0.255", 2)
    before = count()
    reader.ask(GXDLMSScriptTable("0.0.10.0.1.255").execute(reader.client, 1))
    seen["resets"] = count() - before
    reader.close()
    return seen


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(json.dumps(act(json.load(file))))
