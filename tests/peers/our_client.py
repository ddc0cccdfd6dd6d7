"""Meterwright's client reads a meter made with another implementation (`server/`); every value must be equal."""

import os
import subprocess
from contextlib import contextmanager

from harness import Meterwright, check, equal

KEYS = {
    "PEER_ENCRYPTION_KEY": "000102030405060708090A0B0C0D0E0F",
    "PEER_AUTHENTICATION_KEY": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF",
}

VARIANTS = [
    ("plain", []),
    ("GMAC, authenticated and encrypted", ["--gmac"]),
    ("messages of 65,535 octets", ["--pdu", "65535"]),
    ("messages of 256 octets", ["--pdu", "256"]),
    ("no lists", ["--no-list"]),
    ("no selective access", ["--no-range"]),
    ("no object list", ["--no-objects"]),
    ("GMAC, no lists, small messages", ["--gmac", "--no-list", "--pdu", "300"]),
]


@contextmanager
def peer(server, flags):
    import json

    process = subprocess.Popen([server, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def read_and_compare(program, server, title, flags):
    with peer(server, flags) as truth, Meterwright(program) as mw:
        secure = []
        if "--gmac" in flags:
            os.environ.update(KEYS)
            secure = [
                "--auth", "high-gmac", "--security", "both",
                "--secret", "encryption-key=env:PEER_ENCRYPTION_KEY",
                "--secret", "authentication-key=env:PEER_AUTHENTICATION_KEY",
            ]
        mw.run("meter", "add", "peer", "--line", f"tcp://127.0.0.1:{truth['port']}",
               "--time-zone", "Europe/Berlin", *secure)
        # The profile's first row ends half an hour after this.
        first = truth["rows"][0]["utc"]
        start = mw.half_hour_before(first)
        document = mw.json("read", "peer", "--what", "identity,clock,registers,profile", "--from", start)
        equal(f"{title}: nothing failed", document["results"][0]["error"], None)
        equal(f"{title}: intervals stored", document["results"][0]["stored"]["intervals"], len(truth["rows"]))

        registers = {row["obis"]: row for row in mw.json("show", "registers", "peer")["registers"]}
        for wanted in truth["registers"]:
            row = registers.get(wanted["obis"])
            check(f"{title}: {wanted['obis']} was read", row is not None)
            equal(f"{title}: {wanted['obis']}", (row["value"], row["unit"]), (wanted["value"], wanted["unit"]))

        shown = mw.json("show", "profile", "peer", "--from", start)
        equal(f"{title}: serial", shown["serial"], truth["serial"])
        equal(f"{title}: period", shown["period_minutes"], 30)
        equal(f"{title}: channels", [channel["obis"] for channel in shown["channels"]], truth["channels"])
        equal(f"{title}: stamps", [row["utc"] for row in shown["rows"]], [row["utc"] for row in truth["rows"]])
        equal(f"{title}: values", [row["values"] for row in shown["rows"]], [row["values"] for row in truth["rows"]])

        again = mw.json("read", "peer", "--what", "profile")["results"][0]
        equal(f"{title}: the second read goes well", again["error"], None)
        equal(f"{title}: and finds nothing new", again["stored"]["intervals"] <= 1, True)
        return document["results"][0]["exchanges"], again["exchanges"]


def run(program, server):
    for title, flags in VARIANTS:
        first, second = read_and_compare(program, server, title, flags)
        print(f"our client, {title}: equal ({first} exchanges, {second} for the second read)")
