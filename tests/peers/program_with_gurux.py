"""Reads and writes the tariff of a virtual meter with gurux_dlms, a program of its own: program_with_gurux.py JOB.

JOB is a JSON file as `read_with_gurux.py` takes it. Without "write" the five objects of a tariff are read and told as
the package decodes them. With "write" the calendar named there goes to the passive side, the special days to their
table, and the passive calendar is activated:
{"name", "seasons": [[name, month, day, week]], "weeks": [[name, [seven day ids]]], "days": [[id, [[hour, minute,
script table, script]]]], "special_days": [[index, year or null, month, day, day id]]}.
"""

import datetime

from gurux_dlms import GXDate, GXDateTime, GXTime
from gurux_dlms.enums import DataType, DateTimeSkips
from gurux_dlms.objects import (
    GXDLMSActivityCalendar,
    GXDLMSDayProfile,
    GXDLMSDayProfileAction,
    GXDLMSSeasonProfile,
    GXDLMSSpecialDay,
    GXDLMSSpecialDaysTable,
    GXDLMSWeekProfile,
)

import reading
from read_with_gurux import Reader, last_counter

OBJECTS = {
    "calendar": (20, "0.0.13.0.0.255", range(2, 11)),
    "special_days": (11, "0.0.11.0.0.255", (2,)),
    "scripts": (9, "0.0.10.0.100.255", (2,)),
    "activation": (6, "0.0.14.0.0.255", (2, 3)),
    "billing": (22, "0.0.15.0.0.255", (2, 3, 4)),
}


def raw(reader, class_id, code, attribute):
    """The octets and lists as the package parsed them from the wire, before it makes objects of its own of them."""
    return reading.plain(reader.get(class_id, code, attribute))


def read(job, reader):
    return {
        kind: {str(attribute): raw(reader, class_id, code, attribute) for attribute in attributes}
        for kind, (class_id, code, attributes) in OBJECTS.items()
    }


def every_year(month, day):
    """A date whose year and weekday are not specified."""
    moment = GXDateTime(datetime.datetime(2000, month, day))
    moment.skip |= DateTimeSkips.YEAR | DateTimeSkips.DAY_OF_WEEK | DateTimeSkips.DEVITATION
    return moment


def start_time(hour, minute):
    return GXTime(datetime.datetime(2000, 1, 1, hour, minute, 0))


def week_of(name, days):
    week = GXDLMSWeekProfile()
    week.name = name.encode()
    week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday, week.sunday = days
    return week


def special_date(year, month, day):
    moment = GXDate(datetime.datetime(year or 2000, month, day))
    moment.skip |= DateTimeSkips.DAY_OF_WEEK
    if year is None:
        moment.skip |= DateTimeSkips.YEAR
    return moment


def write(job, reader):
    wanted = job["write"]
    calendar = GXDLMSActivityCalendar("0.0.13.0.0.255")
    calendar.calendarNamePassive = wanted["name"]
    calendar.seasonProfilePassive = [
        GXDLMSSeasonProfile(name.encode(), every_year(month, day), week.encode())
        for name, month, day, week in wanted["seasons"]
    ]
    calendar.weekProfileTablePassive = [week_of(name, days) for name, days in wanted["weeks"]]
    calendar.dayProfileTablePassive = []
    for number, actions in wanted["days"]:
        day = GXDLMSDayProfile()
        day.dayId = number
        day.daySchedules = [
            GXDLMSDayProfileAction(start_time(hour, minute), table, script) for hour, minute, table, script in actions
        ]
        calendar.dayProfileTablePassive.append(day)
    special = GXDLMSSpecialDaysTable("0.0.11.0.0.255")
    special.entries = []
    for index, year, month, day, number in wanted["special_days"]:
        entry = GXDLMSSpecialDay()
        entry.index, entry.date, entry.dayId = index, special_date(year, month, day), number
        special.entries.append(entry)
    if special.entries:
        reader.ask(reader.client.write(special, 2))
    for attribute in (6, 7, 8, 9):
        reader.ask(reader.client.write(calendar, attribute))
    reader.ask(reader.client.method(calendar, 1, 0, DataType.INT8))
    return read(job, reader)


def work(job):
    job = reading.with_counter(job, last_counter)
    reader = Reader(job)
    reader.open()
    document = write(job, reader) if "write" in job else read(job, reader)
    reader.close()
    return document


if __name__ == "__main__":
    reading.tell(work)
