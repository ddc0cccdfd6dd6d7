"""Clients that others wrote read Meterwright's virtual meters; every value must be what Meterwright itself reads.

The clients are programs of their own (`read_with_gurux.py`, `read_with_dlms_cosem.py`), started with this Python.
"""

import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

from harness import Meterwright, case, check, equal, serving

HERE = os.path.dirname(os.path.abspath(__file__))
# The meters' time stands here; the range holds the hour that the end of summer time doubles.
STANDS_AT = "2026-10-28T09:10:00Z"
FROM = datetime.datetime(2026, 10, 24, tzinfo=datetime.timezone.utc)
TO = datetime.datetime.fromisoformat(STANDS_AT.replace("Z", "+00:00"))
PROFILE = "1.0.99.1.0.255"
SERIAL = "0.0.96.1.0.255"
UNITS = {7: "s", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A", 35: "V", 44: "Hz", 255: ""}
# Class: the attribute of scaler and unit; the one of the capture time.
SCALERS = {3: 3, 4: 3, 5: 4}
CAPTURE_TIMES = {4: 5, 5: 6}

PUBLIC = {"client": 16, "auth": "none"}
LOW = {"client": 32, "auth": "low"}
GMAC = {"client": 1, "auth": "high-gmac"}
GURUX, DLMS_COSEM = "read_with_gurux.py", "read_with_dlms_cosem.py"
BOTH = (GURUX, DLMS_COSEM)

# What the meters listen on: who reads them, and how.
LINES = {
    "tcp://127.0.0.1:0": [
        (BOTH, "no authentication", PUBLIC),
        (BOTH, "low", LOW),
        (BOTH, "messages of 300 octets", {**PUBLIC, "max_pdu": 300}),
        ((GURUX,), "lists of ten", {**LOW, "list": True}),
        ((GURUX,), "high-md5", {"client": 33, "auth": "high-md5"}),
        ((GURUX,), "high-sha1", {"client": 34, "auth": "high-sha1"}),
        ((GURUX,), "high-sha256", {"client": 35, "auth": "high-sha256"}),
        ((GURUX,), "GMAC, authenticated", {**GMAC, "security": "auth"}),
        ((GURUX,), "GMAC, encrypted", {**GMAC, "security": "encrypt"}),
        (BOTH, "GMAC, authenticated and encrypted", {**GMAC, "security": "both"}),
        ((GURUX,), "GMAC, lists, messages of 300 octets", {**GMAC, "security": "both", "list": True, "max_pdu": 300}),
    ],
    "tcp+hdlc://127.0.0.1:0": [
        (BOTH, "no authentication", PUBLIC),
        (BOTH, "GMAC, authenticated and encrypted", {**GMAC, "security": "both"}),
        ((GURUX,), "GMAC, authenticated", {**GMAC, "security": "auth"}),
        ((GURUX,), "messages of 300 octets, lists", {**LOW, "max_pdu": 300, "list": True}),
    ],
    "pty": [
        (BOTH, "low", LOW),
        ((GURUX,), "GMAC, authenticated and encrypted", {**GMAC, "security": "both"}),
    ],
}

# What the meters do by themselves, and who reads them then: answers in general blocks, with the window that the client
# offers.
GENERAL_BLOCKS = [
    (f"general blocks of {size} octets, window {window}", {**way, "general_blocks": window, "max_pdu": size})
    for window, size, way in [(1, 300, LOW), (3, 300, LOW), (7, 1024, LOW), (3, 512, {**GMAC, "security": "both"})]
]

# How the meter refuses, and what each client must have understood.
REFUSALS = [
    (GURUX, "a wrong password", {**LOW, "password": "87654321"}, "Authentication failure"),
    (DLMS_COSEM, "a wrong password", {**LOW, "password": "87654321"}, "AUTHENTICATION_FAILED"),
    (GURUX, "no authentication where low is due", {"client": 32, "auth": "none"}, "Authentication is required"),
    (GURUX, "a client that the meter does not know", {"client": 99, "auth": "low"}, "permanently rejected"),
    (GURUX, "a wrong encryption key", {**GMAC, "security": "both", "encryption_key": "FF" * 16}, "Ciphering failed"),
    (GURUX, "a wrong authentication key", {**GMAC, "security": "both", "authentication_key": "FF" * 16}, "Ciphering failed"),
]


def code(obis):
    """`1-0:1.8.0*255` as the clients write it."""
    return obis.replace("-", ".").replace(":", ".").replace("*", ".")


def moment(octets):
    """The instant of a COSEM date-time, with its offset."""
    octets = bytes.fromhex(octets)
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    zone = datetime.timezone(datetime.timedelta(minutes=-deviation))
    year = int.from_bytes(octets[:2], "big")
    return datetime.datetime(year, octets[2], octets[3], octets[5], octets[6], octets[7], tzinfo=zone)


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def scaled(raw, scaler):
    return Decimal(raw).scaleb(scaler)


class Ours:
    """What Meterwright itself reads of a virtual meter."""

    def __init__(self, program, meter):
        self.meter = meter
        self.mw = Meterwright(program)
        self.mw.add(
            "virtual",
            meter["line"],
            meter["time_zone"],
            client=1,
            auth="high-gmac",
            security="both",
            secrets={
                "encryption-key": meter["encryption_key"],
                "authentication-key": meter["authentication_key"],
            },
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.mw.folder.cleanup()

    def read(self):
        span = ("--from", FROM.isoformat(), "--to", TO.isoformat())
        result = self.mw.json("read", "virtual", "--what", "identity,clock,registers,instantaneous,profile", *span)
        equal("our own reading goes well", result["results"][0]["error"], None)
        figures = [
            figure
            for kind in ("registers", "instantaneous")
            for figure in self.mw.json("show", kind, "virtual")["registers"]
        ]
        clock = self.mw.json("clock", "get", "virtual")["results"][0]
        return {"figures": figures, "profile": self.mw.json("show", "profile", "virtual"), "clock": clock}


def read_with(script, meter, settings, **more):
    job = {
        "server": 1,
        "security": "none",
        "password": meter["password"],
        "encryption_key": meter["encryption_key"],
        "authentication_key": meter["authentication_key"],
        "profile": PROFILE,
        # Our own range begins after its first instant, theirs with it.
        "from": int(FROM.timestamp()) + 1,
        "to": int(TO.timestamp()),
        **settings,
        **more,
    }
    if job["auth"] != "high-gmac":
        del job["encryption_key"]
    scheme, _, place = meter["line"].partition(":")
    if scheme == "serial":
        job.update(framing="hdlc", serial=place.partition("?")[0])
    else:
        place, _, gateway = place.partition("#gateway=")
        host, _, port = place.rpartition(":")
        job.update(framing="hdlc" if scheme == "tcp+hdlc" else "wrapper", host=host.strip("/[]"), port=int(port))
        job["udp"] = scheme == "udp"
        if gateway:
            network, _, address = gateway.partition("/")
            job["gateway"] = {"network": int(network), "address": address.removeprefix("0x")}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        command = [sys.executable, os.path.join(HERE, script), file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    check(f"{script} ended well: {done.stderr[-2000:]}", done.returncode == 0)
    return json.loads(done.stdout)


def figure_of(theirs, class_id, name, attribute):
    """An attribute of the other side as the program shows it: text and unit."""
    raw = theirs[class_id, name, attribute]
    if class_id in SCALERS and attribute in ((2, 3) if class_id == 5 else (2,)):
        scaler, unit = theirs[class_id, name, SCALERS[class_id]]
        return scaled(raw, scaler), UNITS[unit]
    if (class_id, attribute) == (5, 7):
        return moment(raw).replace(tzinfo=None).isoformat(), ""
    return Decimal(raw), "s" if (class_id, attribute) == (5, 8) else ""


def compare(title, ours, theirs):
    values = {(class_id, name, attribute): value for class_id, name, attribute, value in theirs["values"]}
    classes = {name: class_id for class_id, name in theirs["objects"]}

    equal(f"{title}: serial", ours["profile"]["serial"], bytes.fromhex(values[1, SERIAL, 2]).decode())
    clock = moment(values[8, "0.0.1.0.0.255", 2])
    equal(f"{title}: clock", utc(ours["clock"]["utc"]), clock)
    equal(f"{title}: clock's stamp", ours["clock"]["meter_stamp"], clock.isoformat())

    shown = set()
    for figure in ours["figures"]:
        name, attribute = code(figure["obis"]), figure["attribute"]
        class_id = classes[name]
        shown.add((class_id, name))
        text, unit = figure_of(values, class_id, name, attribute)
        value = figure["value"] if isinstance(text, str) else Decimal(figure["value"])
        equal(f"{title}: {name} attribute {attribute}", (value, figure["unit"]), (text, unit))
        if figure["meter_stamp"]:
            captured = moment(values[class_id, name, CAPTURE_TIMES[class_id]])
            equal(f"{title}: capture time of {name}", figure["meter_stamp"], captured.isoformat())
    missing = {(class_id, name) for class_id, name in theirs["objects"] if class_id in SCALERS} - shown
    equal(f"{title}: registers that only the other side shows", missing, set())

    channels = [name for class_id, name, _ in theirs["columns"] if class_id in SCALERS]
    equal(f"{title}: channels", [code(channel["obis"]) for channel in ours["profile"]["channels"]], channels)
    places = [place for place, column in enumerate(theirs["columns"]) if column[0] in SCALERS]
    scalers = [values[classes[name], name, SCALERS[classes[name]]][0] for name in channels]
    rows = ours["profile"]["rows"]
    check(f"{title}: several days are compared", len(rows) == 4 * 48 + 18)
    equal(f"{title}: stamps", [row["local"] for row in rows], [moment(row[0]).isoformat() for row in theirs["rows"]])
    equal(
        f"{title}: values",
        [[Decimal(value) for value in row["values"]] for row in rows],
        [[scaled(row[place], scaler) for place, scaler in zip(places, scalers)] for row in theirs["rows"]],
    )


def refusal(meter, script, title, settings, words):
    refused = read_with(script, meter, settings, refusal=True).get("refused", "nothing")
    check(f"{title}: {script} understood {refused!r}", words in refused)


def counters(ours, meter, expected):
    """A counter that was used is refused with the one that is expected; our client gets over it by itself."""
    gmac = {**GMAC, "security": "both"}
    read_with(GURUX, meter, gmac, counter=1_000_000)
    stale = read_with(GURUX, meter, gmac, counter=1_000_000, refusal=True)
    check(f"a used counter: Gurux understood {stale}", "Invocation counter" in stale.get("refused", ""))
    check(f"a used counter: {stale['value']} is expected", stale["value"] > 1_000_000)
    read_with(GURUX, meter, gmac, counter=stale["value"])
    again = ours.read()
    equal("after others used the counter: the profile", again["profile"], expected["profile"])


def on_line(program, line, readings, meter):
    with Ours(program, meter) as ours:
        reading = ours.read()
        for scripts, how, settings in readings:
            for script in scripts:
                title = f"our meter, {script} over {line.partition(':')[0]}, {how}"
                with case(title):
                    theirs = read_with(script, meter, settings)
                    compare(title, reading, theirs)
                    if settings.get("general_blocks"):
                        check(f"{title}: blocks came", theirs["general_blocks"] >= 4)
        if line.startswith("tcp:"):
            for script, title, settings, words in REFUSALS:
                with case(f"our meter refuses {title}, {script}"):
                    refusal(meter, script, title, settings, words)
            with case("our meter refuses a used counter, our client gets over it"):
                counters(ours, meter, reading)


def flash(program, line, settings):
    """A foreign client flashes a virtual meter; what the meter has is the image to the last byte."""
    command = [program, "simulate", "--listen", line, "--json", "--quiet"]
    title = f"our meter, gurux flashes it over {line.partition(':')[0]}, {settings['auth']}"
    with case(title), serving(command) as document, tempfile.NamedTemporaryFile("wb", suffix=".bin") as file:
        image = b"MTWFW MTW 7.7.7\n" + bytes(at * 31 % 256 for at in range(5003))
        file.write(image)
        file.flush()
        told = read_with("flash_with_gurux.py", document["meters"][0], settings, image=file.name, identifier="MTW-7.7.7")
        equal(f"{title}: versions", (told["before"], told["after"]), ("MTW 1.4.2", "MTW 7.7.7"))
        equal(f"{title}: status", told["status"], 3)
        signature = hashlib.sha256(image).hexdigest()
        equal(f"{title}: the image in the meter", told["info"], [[len(image), b"MTW-7.7.7".hex(), signature]])


def run(program):
    for line in ("tcp://127.0.0.1:0", "tcp+hdlc://127.0.0.1:0"):
        flash(program, line, {"client": 1, "auth": "low"})
        flash(program, line, {**GMAC, "security": "both"})
    for line, readings in LINES.items():
        command = [program, "simulate", "--listen", line, "--at", STANDS_AT, "--json", "--quiet"]
        with case(f"virtual meter on {line}"), serving(command) as document:
            on_line(program, line, readings, document["meters"][0])
    command = [program, "simulate", "--fault", "quirk:gbt-unasked", "--at", STANDS_AT, "--json", "--quiet"]
    with case("general block transfer"), serving(command) as document:
        on_line(program, "wrapper", [((GURUX,), *one) for one in GENERAL_BLOCKS], document["meters"][0])
    # Gurux takes its socket from this harness, which may as well be of another kind.
    for name, line, words in [
        ("UDP", "udp://127.0.0.1:0", []),
        ("UDP and IPv6", "udp://[::1]:0", []),
        ("TCP and IPv6", "tcp://[::1]:0", []),
        ("a gateway and TCP", "tcp://127.0.0.1:0", ["--per-line", "3"]),
        ("a gateway, UDP and IPv6", "udp://[::1]:0", ["--per-line", "3"]),
    ]:
        command = [program, "simulate", "--listen", line, "--meters", "3", *words, "--at", STANDS_AT, "--json", "--quiet"]
        with case(f"virtual meters behind {name}"), serving(command) as document:
            on_line(program, name, [([GURUX], "gmac", {**GMAC, "security": "both"})], document["meters"][2])
    # The tenth of a fleet is a factory: three phases, transformers, energies in tens of watt-hours.
    command = [program, "simulate", "--meters", "10", "--at", STANDS_AT, "--json", "--quiet"]
    with case("a fleet"), serving(command) as document:
        on_line(program, "fleet", [(BOTH, "three phases", {**GMAC, "security": "both"})], document["meters"][9])
