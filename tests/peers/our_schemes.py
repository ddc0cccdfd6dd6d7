"""Schemes: what our `scheme write` puts into a virtual meter is what another program reads there, object by object;
what another program puts there is what our `scheme read` says.

The scheme is understood here a second time, from its JSON file and the standard's tables alone.
"""

import copy
import datetime
import json
import os

from harness import Meterwright, case, check, equal, serving
from our_meters import GMAC, HERE, STANDS_AT, read_with

SCHEME = os.path.join(HERE, "..", "programmed.scheme.json")
GURUX = "program_with_gurux.py"
LINES = {
    "tcp://127.0.0.1:0": ["wrapper"],
    "tcp+hdlc://127.0.0.1:0": ["HDLC"],
}
CLIENT = {**GMAC, "security": "both", "profile": None}
SCRIPT_TABLE = "00000a0064ff"
ANY = 0xFF


def octets(text):
    return list(bytes.fromhex(text))


def obis(text):
    """`1-0:1.8.1*255` as six octets."""
    for separator in "-:*":
        text = text.replace(separator, ".")
    return bytes(int(part) for part in text.split(".")).hex()


class Tables:
    """A tariff as it stands in the objects, as another program read them."""

    def __init__(self, told):
        calendar = told["calendar"]
        self.name = bytes.fromhex(calendar["2"]).decode()
        self.seasons = [(name, octets(start), week) for name, start, week in calendar["3"]]
        self.weeks = {week[0]: week[1:] for week in calendar["4"]}
        self.days = {number: actions for number, actions in calendar["5"]}
        self.special_days = [(octets(date), number) for _, date, number in told["special_days"]["2"]]
        self.scripts = {number: actions for number, actions in told["scripts"]["2"]}
        self.registers = [name for _, name in told["activation"]["2"]]
        self.masks = {name: places for name, places in told["activation"]["3"]}
        self.billing = told["billing"]

    def registers_on(self, number):
        """The objects that a script switches on, by the mask that it activates."""
        on = set()
        for service, class_id, name, index, parameter in self.scripts[number]:
            check(f"script {number} writes the active mask", (service, class_id, name, index) == (1, 6, "00000e0000ff", 4))
            on |= {self.registers[place - 1] for place in self.masks[parameter]}
        return on

    def day_of(self, date):
        """The number of the day type of a date: a special day goes first, then the season's week."""
        for pattern, number in self.special_days:
            year, month, day = pattern[0] << 8 | pattern[1], pattern[2], pattern[3]
            if (year in (0xFFFF, date.year)) and month in (ANY, date.month) and day in (ANY, date.day):
                if number in self.days:
                    return number
        starts = sorted((start[2], start[3], week) for _, start, week in self.seasons)
        gone_by = [week for month, day, week in starts if (month, day) <= (date.month, date.day)]
        week = gone_by[-1] if gone_by else starts[-1][2]
        return self.weeks[week][date.weekday()]

    def on_at(self, moment):
        actions = [
            (octets(start), script) for start, table, script in self.days[self.day_of(moment.date())]
            if table == SCRIPT_TABLE
        ]
        gone_by = [script for start, script in sorted(actions) if (start[0], start[1]) <= (moment.hour, moment.minute)]
        return self.registers_on(gone_by[-1])


class Scheme:
    """A scheme file, read here by itself."""

    def __init__(self, document):
        self.document = document
        registers = document["registers"]
        self.objects = {one["id"]: obis(one["obis"]) for one in registers["energy"] + registers["demand"]}

    def on_at(self, moment):
        tariff = self.document["tariff"]
        days = {day["id"]: day for day in tariff["day_types"]}
        text = moment.strftime("%H:%M")
        dated = [one for one in tariff["special_days"] if one["date"] in (moment.strftime("%Y-%m-%d"), moment.strftime("*-%m-%d"))]
        if dated:
            name = dated[0]["day_type"]
        else:
            seasons = sorted(tariff["seasons"], key=lambda season: season["starts"])
            gone_by = [season for season in seasons if season["starts"] <= moment.strftime("%m-%d")]
            week = (gone_by or seasons)[-1]["week"]
            name = next(one for one in tariff["weeks"] if one["id"] == week)["days"][moment.weekday()]
        switches = [switch for switch in days[name]["switches"] if switch["at"] <= text]
        return {self.objects[one] for one in switches[-1]["on"]}


def moments():
    """Every half hour of two years, and the minutes beside them."""
    first = datetime.datetime(2026, 11, 1)
    for half_hour in range(2 * 365 * 48):
        moment = first + datetime.timedelta(minutes=30 * half_hour)
        yield moment
        if half_hour % 5 == 0:
            yield moment - datetime.timedelta(minutes=1)


def same_meaning(title, scheme, tables):
    ours, theirs = Scheme(scheme), Tables(tables)
    equal(f"{title}: the calendar's name", scheme["identity"], theirs.name)
    for moment in moments():
        here, there = ours.on_at(moment), theirs.on_at(moment)
        if here != there:
            equal(f"{title}: what is on at {moment}", sorted(here), sorted(there))
    check(f"{title}: what is on at every half hour of two years", True)
    billing = theirs.billing
    equal(f"{title}: the script that ends a billing period", billing["2"], ["00000a0001ff", 1])
    # The first of each month at midnight: time, then date, each with its wildcards.
    times = [(octets(time)[:3], octets(date)[2:4]) for time, date in billing["4"]]
    equal(f"{title}: when a billing period ends", times, [([0, 0, 0], [ANY, 1])])


def add(mw, meter):
    keys = {"encryption-key": meter["encryption_key"], "authentication-key": meter["authentication_key"]}
    mw.add("virtual", meter["line"], meter["time_zone"], client=1, auth="high-gmac", security="both", secrets=keys)


def written_by_us(program, line):
    command = [program, "simulate", "--listen", line, "--at", STANDS_AT, "--json", "--quiet"]
    with serving(command) as served, Meterwright(program) as mw:
        meter = served["meters"][0]
        add(mw, meter)
        done = mw.json("scheme", "write", SCHEME, "--meter", "virtual")
        equal("the scheme is written", (done["ok"], done["error"]), (True, None))
        with open(SCHEME, encoding="utf-8") as file:
            scheme = json.load(file)
        same_meaning("written by us", scheme, read_with(GURUX, meter, CLIENT))
        # Once more, otherwise: what the first calendar needed must not be in the way.
        other = copy.deepcopy(scheme)
        other["identity"] = "OTHER1"
        other["tariff"]["day_types"][0]["switches"][1]["at"] = "16:30"
        other["tariff"]["special_days"].pop()
        path = f"{mw.folder.name}/other.scheme.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(other, file)
        mw.json("scheme", "write", path, "--meter", "virtual")
        same_meaning("written over it", other, read_with(GURUX, meter, CLIENT))


# Script 1 is the night's mask, script 2 the day's, as our own scheme left them: what the other program writes runs them.
def calendar_of(scripts):
    night, day = scripts
    return {
        "name": "GRX1",
        "seasons": [["1", 4, 1, "S"], ["2", 11, 1, "W"]],
        "weeks": [["S", [1, 1, 1, 1, 1, 2, 2]], ["W", [3, 3, 3, 3, 3, 3, 2]]],
        "days": [
            [1, [[0, 0, "0.0.10.0.100.255", night], [6, 30, "0.0.10.0.100.255", day], [21, 0, "0.0.10.0.100.255", night]]],
            [2, [[0, 0, "0.0.10.0.100.255", night]]],
            [3, [[0, 0, "0.0.10.0.100.255", night], [16, 0, "0.0.10.0.100.255", day], [20, 15, "0.0.10.0.100.255", night]]],
        ],
        "special_days": [[1, None, 12, 26, 2], [2, 2027, 5, 3, 2]],
    }


def written_by_them(program, line):
    command = [program, "simulate", "--listen", line, "--at", STANDS_AT, "--json", "--quiet"]
    with serving(command) as served, Meterwright(program) as mw:
        meter = served["meters"][0]
        add(mw, meter)
        mw.json("scheme", "write", SCHEME, "--meter", "virtual")
        before = Tables(read_with(GURUX, meter, CLIENT))
        night, day = obis("1-0:1.8.2*255"), obis("1-0:1.8.1*255")
        number = {frozenset(before.registers_on(script)): script for script in before.scripts}
        wanted = calendar_of((number[frozenset([night])], number[frozenset([day])]))
        theirs = read_with(GURUX, meter, CLIENT, write=wanted)
        equal("their calendar is in force", bytes.fromhex(theirs["calendar"]["2"]).decode(), "GRX1")
        path = f"{mw.folder.name}/read.scheme.json"
        done = mw.json("scheme", "read", "--meter", "virtual", "-o", path)
        equal("our reading goes well", (done["ok"], done["error"]), (True, None))
        with open(path, encoding="utf-8") as file:
            scheme = json.load(file)
        title = "written by them"
        equal(f"{title}: identity", scheme["identity"], "GRX1")
        ours, tables = Scheme(scheme), Tables(theirs)
        for moment in moments():
            here, there = ours.on_at(moment), tables.on_at(moment)
            if here != there:
                equal(f"{title}: what is on at {moment}", sorted(here), sorted(there))
        # And by what was asked of them, without their tables in between.
        winter = datetime.datetime(2026, 11, 23, 16, 30)
        for moment, on in [
            (winter, day),
            (winter.replace(hour=15), night),
            (datetime.datetime(2026, 12, 26, 17), night),
            (datetime.datetime(2027, 5, 3, 12), night),
            (datetime.datetime(2027, 5, 4, 12), day),
            (datetime.datetime(2028, 5, 3, 12), day),
            (datetime.datetime(2027, 7, 3, 12), night),
        ]:
            equal(f"{title}: at {moment}", ours.on_at(moment), {on})


def run(program):
    for line, (how,) in LINES.items():
        with case(f"scheme written by us, read by {GURUX} over {how}"):
            written_by_us(program, line)
    for line in LINES:
        with case(f"calendar written by {GURUX}, read by us over {line.partition(':')[0]}"):
            written_by_them(program, line)
