"""Meterwright's client reads a scripted meter (`awkward.py`) with the oddities of real ones, one at a time.

An oddity that does no harm must not keep a value back; one that does must end with exit code 1, the right
`error.fault`, and a message that names the cause.
"""

from awkward import OTHER_REASON, REGISTERS, ROWS, AwkwardMeter, serve
from harness import Meterwright, case, check, equal

NO_LISTS = (1 << 4) | (1 << 2) | (1 << 12)

# Title, the meter's settings, options of `meter add`.
HARMLESS = [
    ("no oddity", {}, {}),
    ("an AARE with the protocol version", {"aare_settings": {"version": True}}, {}),
    ("an AARE that names the mechanism", {"aare_settings": {"mechanism": 0}}, {}),
    ("low authentication, an AARE without mechanism name", {}, {"auth": "low", "secrets": {"password": "12345678"}}),
    ("a largest message of 0: no limit", {"aare_settings": {"max_pdu": 0}}, {}),
    ("RLRE that never comes", {"silent_release": True}, {}),
    ("RLRE with wrong lengths", {"wrong_release": True}, {}),
    ("lists that were not negotiated", {"aare_settings": {"conformance": NO_LISTS}, "list_answer": "exception"}, {}),
    ("lists that were negotiated and are refused", {"list_answer": "exception"}, {}),
    ("answers to lists that are one value short", {"list_answer": "one short"}, {}),
    ("octets behind a value", {"after_value": b"\x00\x00\x00", "aare_settings": {"conformance": NO_LISTS}}, {}),
    ("a refused object list", {"refused_objects": True}, {}),
    ("a profile that refuses ranges", {"profile_refusal": OTHER_REASON}, {}),
    ("notifications between the answers", {"notifies": True}, {}),
    ("late answers to requests that were given up", {"strays": True}, {}),
    ("blocks that count from 0", {"first_block": 0}, {}),
    ("stamps without weekday, hundredths and status", {"vague_stamps": True}, {}),
    ("stamps left out where they follow from the period", {"null_stamps": True}, {}),
    ("rows from the newest to the oldest", {"newest_first": True}, {}),
    ("an object list with fewer entries than it says", {"objects_promised": 2}, {}),
    ("wrapper addresses the wrong way round", {"swapped": True}, {}),
    ("a connection that breaks once in the middle of a profile", {"hangs_up_at_block": 3, "hung_up": 9}, {}),
]

# Title, the meter's settings, `error.fault`, what the message must hold.
HARMFUL = [
    (
        "a rejected AARE without user information",
        {"aare_settings": {"result": 1, "diagnostic": 13, "user_information": False}},
        "meter",
        ["refused the association", "diagnostic 13", "check the password"],
    ),
    (
        "a rejected AARE: no reason given",
        {"aare_settings": {"result": 1, "diagnostic": 1}},
        "meter",
        ["refused the association", "no reason given"],
    ),
    (
        "a connection that breaks in the middle of every profile",
        {"hangs_up_at_block": 3},
        "line",
        ["the other end closed the connection"],
    ),
]


def read(program, settings, options):
    meter = type("Meter", (AwkwardMeter,), {key: value for key, value in settings.items() if key != "hung_up"})()
    meter.hung_up = settings.get("hung_up", 0)
    with serve(meter) as listener, Meterwright(program) as mw:
        mw.add("awkward", f"tcp://127.0.0.1:{listener.getsockname()[1]}", "UTC", **options)
        what = ("--what", "identity,clock,registers,profile")
        document = mw.json("read", "awkward", *what, exit_code=lambda document: min(1, document["summary"]["failed"]))
        shown = {kind: mw.json("show", kind, "awkward") for kind in ("registers", "profile")}
    return meter, document, shown


def harmless(program, title, settings, options):
    _, document, shown = read(program, settings, options)
    equal(f"{title}: nothing failed", document["results"][0]["error"], None)
    equal(f"{title}: plate", shown["profile"]["serial"], "AWK00001")
    values = {row["obis"]: (row["value"], row["unit"]) for row in shown["registers"]["registers"]}
    for obis, raw in REGISTERS.items():
        a, b, c, d, e, f = obis.split(".")
        equal(f"{title}: {obis}", values.get(f"{a}-{b}:{c}.{d}.{e}*{f}"), (str(raw * 10), "Wh"))
    rows = shown["profile"]["rows"]
    equal(f"{title}: rows", len(rows), ROWS)
    wanted = [[str((1000 + number) * 10), str(number % 7 * 10)] for number in range(ROWS)]
    equal(f"{title}: profile", [row["values"] for row in rows], wanted)


def harmful(program, title, settings, fault, words):
    meter, document, _ = read(program, settings, {})
    result = document["results"][0]
    equal(f"{title}: it failed", (result["ok"], document["summary"]["failed"]), (False, 1))
    equal(f"{title}: whose fault", result["error"]["fault"], fault)
    for word in words:
        check(f"{title}: {word!r} in {result['error']['message']!r}", word in result["error"]["message"])
    check(f"{title}: asked {meter.associations} times", meter.associations <= 3)


def run(program):
    for title, settings, options in HARMLESS:
        with case(f"awkward meter, {title}"):
            harmless(program, title, settings, options)
    for title, settings, fault, words in HARMFUL:
        with case(f"awkward meter, {title}"):
            harmful(program, title, settings, fault, words)
