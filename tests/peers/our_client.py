"""Meterwright's client reads a meter made with another implementation (`server/`); every value must be equal."""

import os
import tempfile

from harness import Meterwright, case, check, equal, serving

KEYS = {
    "encryption-key": "000102030405060708090A0B0C0D0E0F",
    "authentication-key": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF",
}

VARIANTS = [
    ("plain", []),
    ("GMAC, authenticated and encrypted", ["--gmac"]),
    ("messages of 65,535 octets", ["--pdu", "65535"]),
    ("messages of 256 octets", ["--pdu", "256"]),
    ("no lists", ["--no-list"]),
    ("no selective access", ["--no-range"]),
    ("no object list", ["--no-objects"]),
    ("deviations the other way round", ["--inverted"]),
    ("GMAC, no lists, small messages", ["--gmac", "--no-list", "--pdu", "300"]),
    ("low", ["--password", "12345678"]),
    ("blocks of 1,024 octets", ["--send", "1024"]),
    ("blocks of 200 octets, low", ["--send", "200", "--password", "12345678"]),
    ("general blocks of 400 octets, one by one", ["--pdu", "65535", "--blocks", "400/1"]),
    ("general blocks of 1,000 octets, window 6, low", ["--pdu", "65535", "--blocks", "1000/6", "--password", "12345678"]),
    ("general blocks of 1,000 octets, window 3, GMAC", ["--pdu", "65535", "--blocks", "1000/3", "--gmac"]),
    ("HDLC, 128 octets, window 1", ["--hdlc", "128/1"]),
    ("HDLC, 128 octets, window 7, low", ["--hdlc", "128/7", "--password", "12345678"]),
    ("HDLC, 2,030 octets, window 3, GMAC", ["--hdlc", "2030/3", "--gmac"]),
    ("HDLC, 500 octets, window 2, blocks of 1,024 octets", ["--hdlc", "500/2", "--send", "1024"]),
]

LOW, GMAC = ["--password", "12345678"], ["--gmac"]
WRONG = "FF" * 16

# Title, the peer's flags, options of `meter add`, `error.fault`, what the message must hold.
REFUSALS = [
    ("a wrong password", LOW, {"auth": "low", "secrets": {"password": "87654321"}}, "meter", ["check the password"]),
    ("no authentication where low is due", LOW, {}, "meter", ["authentication is required"]),
    ("a mechanism that the meter does not have", [], {"auth": "low", "secrets": {"password": "1"}}, "meter", ["mechanism"]),
    (
        "a wrong encryption key",
        GMAC,
        {"auth": "high-gmac", "security": "both", "secrets": {**KEYS, "encryption-key": WRONG}},
        "meter",
        ["check the password or the keys"],
    ),
    (
        "a wrong authentication key",
        GMAC,
        {"auth": "high-gmac", "security": "both", "secrets": {**KEYS, "authentication-key": WRONG}},
        "meter",
        ["check the password or the keys"],
    ),
    ("no ciphering where it is due", GMAC, {"auth": "high-gmac", "secrets": KEYS}, "meter", ["security setting"]),
    ("another meter's serial number", [], {"serial": "OTHER"}, "meter", ["another meter answered", "PEER0007"]),
]

# Objects of the peer that are not among those that many meters have: nobody asks for them without an object list.
UNUSUAL = {"1-0:1.29.0*255", "1-0:13.0.0*255"}


def read_and_compare(program, server, title, flags):
    with serving([server, *flags]) as truth, Meterwright(program) as mw:
        access = {}
        if "--gmac" in flags:
            access = {"auth": "high-gmac", "security": "both", "secrets": KEYS}
        if "--password" in flags:
            access = {"auth": "low", "secrets": {"password": flags[flags.index("--password") + 1]}}
        scheme = "tcp+hdlc" if "--hdlc" in flags else "tcp"
        mw.add("peer", f"{scheme}://127.0.0.1:{truth['port']}", "Europe/Berlin", **access)
        # The profile's first row ends half an hour after this.
        first = truth["rows"][0]["utc"]
        start = mw.half_hour_before(first)
        document = mw.json("read", "peer", "--what", "identity,clock,registers,profile", "--from", start)
        equal(f"{title}: nothing failed", document["results"][0]["error"], None)
        equal(f"{title}: intervals stored", document["results"][0]["stored"]["intervals"], len(truth["rows"]))

        registers = {row["obis"]: row for row in mw.json("show", "registers", "peer")["registers"]}
        for wanted in truth["registers"]:
            if "--no-objects" in flags and wanted["obis"] in UNUSUAL:
                continue
            row = registers.get(wanted["obis"])
            check(f"{title}: {wanted['obis']} was read", row is not None)
            equal(f"{title}: {wanted['obis']}", (row["value"], row["unit"]), (wanted["value"], wanted["unit"]))

        clock = mw.json("clock", "get", "peer")["results"][0]
        check(f"{title}: the clock is this computer's", abs(float(clock["drift_seconds"])) < 5)
        equal(f"{title}: the deviation's sign", clock["sign_looks_inverted"], "--inverted" in flags)

        shown = mw.json("show", "profile", "peer", "--from", start)
        equal(f"{title}: serial", shown["serial"], truth["serial"])
        equal(f"{title}: period", shown["period_minutes"], 30)
        equal(f"{title}: channels", [channel["obis"] for channel in shown["channels"]], truth["channels"])
        equal(f"{title}: stamps", [row["utc"] for row in shown["rows"]], [row["utc"] for row in truth["rows"]])
        equal(f"{title}: values", [row["values"] for row in shown["rows"]], [row["values"] for row in truth["rows"]])

        again = mw.json("read", "peer", "--what", "profile")["results"][0]
        equal(f"{title}: the second read goes well", again["error"], None)
        equal(f"{title}: and finds nothing new", again["stored"]["intervals"] <= 1, True)


def refused(program, server, title, flags, access, fault, words):
    with serving([server, *flags]) as truth, Meterwright(program) as mw:
        mw.add("peer", f"tcp://127.0.0.1:{truth['port']}", "Europe/Berlin", **access)
        result = mw.json("read", "peer", exit_code=lambda _: 1)["results"][0]
        equal(f"{title}: it failed", result["ok"], False)
        equal(f"{title}: whose fault", result["error"]["fault"], fault)
        for word in words:
            check(f"{title}: {word!r} in {result['error']['message']!r}", word in result["error"]["message"])
        check(f"{title}: not tried again", result["exchanges"] <= 5)
        equal(f"{title}: nothing was stored", result["stored"], {"registers": 0, "intervals": 0, "events": 0})


# The peer's flags for learning: what is learnt must read what the built-in template reads.
LEARNING = [
    ("plain", []),
    ("no lists, low", ["--no-list", "--password", "12345678"]),
    ("no object list", ["--no-objects"]),
    ("deviations the other way round", ["--inverted"]),
    ("HDLC, 500 octets, window 2, GMAC", ["--hdlc", "500/2", "--gmac"]),
]


def learn_and_read(program, server, title, flags):
    """A template is learnt from the peer, checked, taken into the store, and read with."""
    with serving([server, *flags]) as truth, Meterwright(program) as mw:
        access = {}
        if "--gmac" in flags:
            access = {"auth": "high-gmac", "security": "both", "secrets": KEYS}
        if "--password" in flags:
            access = {"auth": "low", "secrets": {"password": flags[flags.index("--password") + 1]}}
        scheme = "tcp+hdlc" if "--hdlc" in flags else "tcp"
        mw.add("peer", f"{scheme}://127.0.0.1:{truth['port']}", "Europe/Berlin", **access)
        first = truth["rows"][0]["utc"]
        start = mw.half_hour_before(first)
        mw.json("read", "peer", "--what", "registers", "--from", start)
        before = {row["obis"]: (row["value"], row["unit"]) for row in mw.json("show", "registers", "peer")["registers"]}

        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "learnt.json")
            learnt = mw.json("template", "learn", "peer", "-o", file)
            template = learnt["template"]
            equal(f"{title}: no error in it", mw.json("template", "check", file)["errors"], 0)
            mw.json("template", "import", file)
        sign = template.get("clock", {}).get("deviation_sign", "standard")
        equal(f"{title}: the deviation's sign", sign, "inverted" if "--inverted" in flags else "standard")
        if "--hdlc" in flags:
            info, window = flags[flags.index("--hdlc") + 1].split("/")
            said = " ".join(remark["text"] for remark in learnt["remarks"])
            check(f"{title}: {info}/{window} in {said!r}", f"agreed to {info} octets and window {window}" in said)
        if "--no-list" in flags:
            equal(f"{title}: one attribute at a time", template["requests"]["list_max"], 1)
        mw.json("meter", "set", "peer", "--template", template["name"])
        result = mw.json("read", "peer", "--what", "identity,clock,registers,profile", "--from", start)["results"][0]
        equal(f"{title}: nothing failed", result["error"], None)
        after = {row["obis"]: (row["value"], row["unit"]) for row in mw.json("show", "registers", "peer")["registers"]}
        equal(f"{title}: registers", after, before)
        shown = mw.json("show", "profile", "peer", "--from", start)
        equal(f"{title}: stamps", [row["utc"] for row in shown["rows"]], [row["utc"] for row in truth["rows"]])
        equal(f"{title}: values", [row["values"] for row in shown["rows"]], [row["values"] for row in truth["rows"]])


def run(program, server):
    for title, flags in LEARNING:
        with case(f"our client learns a template, {title}"):
            learn_and_read(program, server, title, flags)
    for title, flags, access, fault, words in REFUSALS:
        with case(f"our client, {title}"):
            refused(program, server, title, flags, access, fault, words)
    for title, flags in VARIANTS:
        with case(f"our client, {title}"):
            read_and_compare(program, server, title, flags)
