"""Meterwright's client flashes a meter made with another implementation (`server/`), which has class 18 upon that
crate's encoding: what the meter then runs must be the image to the last byte, and nothing may pass for a success that
is none."""

import json
import os

from harness import Meterwright, case, check, equal, serving
from our_client import KEYS

OLD, NEW = "PEER 1.0.0", "PEER 2.1.0"
LOW, GMAC = ["--password", "12345678"], ["--gmac"]


def quirks(*words):
    return [part for word in words for part in ("--quirk", word)]


# Title, the peer's flags.
FLASHES = [
    ("plain, blocks of 128", []),
    ("low, blocks of 64", [*LOW, "--block", "64"]),
    ("GMAC, authenticated and encrypted, blocks of 500", [*GMAC, "--block", "500"]),
    ("blocks of 1,024 in messages of 1,024: each goes in two", ["--block", "1024"]),
    ("GMAC, blocks of 1,024 in messages of 300: each goes in four", [*GMAC, "--block", "1024", "--pdu", "300"]),
    ("HDLC, 128 octets, window 1", ["--hdlc", "128/1"]),
    ("HDLC, 500 octets, window 3, GMAC", ["--hdlc", "500/3", *GMAC, "--block", "500"]),
    ("no lists, no object list", ["--no-list", "--no-objects"]),
    ("verifying takes its time and says temporary failure first", quirks("verify-busy")),
    ("the status lags behind a verification that is said to be done", quirks("status-lags")),
    ("no verification before the bitmap was read", quirks("bitmap-first")),
    ("the last block is wanted as long as the others", quirks("padded")),
    ("the first missing block is one past the end", quirks("first-past-end")),
    ("no bitmap", quirks("no-bitmap")),
    ("neither bitmap nor first missing block", quirks("no-bitmap", "no-first")),
    ("a block is lost", quirks("loses=7")),
    ("a block is lost, and there is no bitmap", quirks("loses=7", "no-bitmap")),
    ("what it would activate is not to be had before verification", quirks("no-info-before")),
    ("the block size is not to be had before transfer is enabled", quirks("size-when-enabled")),
    ("it verifies and activates only when it is asked again", quirks("ask-again")),
    ("the activation answers temporary failure", quirks("busy-activation")),
    ("the activation drops the line", quirks("drops")),
    ("the activation drops the line, and the restart takes three seconds", quirks("drops", "down=3")),
    ("the activation answers after eight seconds", quirks("late=8")),
    ("HDLC, the activation drops the line", ["--hdlc", "128/1", *quirks("drops")]),
]


def access(flags):
    if "--gmac" in flags:
        return {"auth": "high-gmac", "security": "both", "secrets": KEYS}
    if "--password" in flags:
        return {"auth": "low", "secrets": {"password": flags[flags.index("--password") + 1]}}
    return {}


def image(version, length=5003):
    return f"{version}\n".encode() + bytes(at * 31 % 256 for at in range(length))


def package(mw, name, version, *more):
    """A signed package of an image, whose key the store trusts; gives its path and the image."""
    path = f"{mw.folder.name}/{name}"
    with open(f"{path}.bin", "wb") as file:
        file.write(image(version))
    words = ["--version", version, "--identifier", version.encode().hex(), *more]
    words += [] if "--maker" in more else ["--maker", "PEE"]
    key = f"{mw.folder.name}/key"
    if not os.path.exists(key):
        mw.run("firmware", "keygen", "-o", key, "--name", "Peers", "--trust")
    mw.run("firmware", "pack", "--image", f"{path}.bin", "--key", key, "-o", f"{path}.mtwfw", *words)
    return f"{path}.mtwfw", image(version)


class Peer:
    """The meter, and what it runs."""

    def __init__(self, mw, server, flags):
        self.file = f"{mw.folder.name}/runs.bin"
        self.mw, self.flags = mw, flags
        self.serving = serving([server, "--image", self.file, *flags])

    def __enter__(self):
        truth = self.serving.__enter__()
        scheme = "tcp+hdlc" if "--hdlc" in self.flags else "tcp"
        self.mw.add("peer", f"{scheme}://127.0.0.1:{truth['port']}", "Europe/Berlin", **access(self.flags))
        return self

    def __exit__(self, *error):
        self.serving.__exit__(*error)

    def runs(self):
        """The image that runs, and how it came; nothing where the first one still does."""
        if not os.path.exists(self.file):
            return None, None
        with open(self.file, "rb") as runs, open(self.file.replace(".bin", ".json"), encoding="utf-8") as told:
            return runs.read(), json.load(told)


def flashed(mw, path, code, *more):
    words = ["firmware", "flash", "peer", "--package", path, "--short-backup", *more]
    document = mw.json(*words, exit_code=lambda _: code)
    return document["results"][0]


def flash(program, server, title, flags):
    with Meterwright(program) as mw, Peer(mw, server, flags) as peer:
        path, sent = package(mw, "new", NEW)
        result = flashed(mw, path, 0)
        equal(f"{title}: outcome", (result["outcome"], result["error"]), ("flashed", None))
        equal(f"{title}: versions", (result["version_before"], result["version_after"]), (OLD, NEW))
        runs, told = peer.runs()
        check(f"{title}: the meter runs the image to the last byte", runs == sent)
        equal(f"{title}: initiated once", told["initiations"], 1)
        twice = sum(times - 1 for times in told["came"])
        check(f"{title}: {twice} blocks came twice", twice <= int(any("loses" in flag for flag in flags)))
        again = flashed(mw, path, 0)
        equal(f"{title}: and is left alone afterwards", again["initiations"], result["initiations"])


def cut(program, server):
    """The line breaks off in the middle: the same transfer goes on, in the same command."""
    for number in (0, 1, 20, 39):
        title = f"cut at block {number}"
        with Meterwright(program) as mw, Peer(mw, server, quirks(f"cut={number}")) as peer:
            path, sent = package(mw, "new", NEW)
            result = flashed(mw, path, 0)
            equal(f"{title}: outcome", result["outcome"], "flashed")
            runs, told = peer.runs()
            check(f"{title}: the meter runs the image to the last byte", runs == sent)
            equal(f"{title}: initiated once", told["initiations"], 1)
            check(f"{title}: at most one block came twice", sum(times - 1 for times in told["came"]) <= 1)


def old_version(program, server):
    with Meterwright(program) as mw, Peer(mw, server, quirks("old-version")) as peer:
        path, _ = package(mw, "new", NEW)
        result = flashed(mw, path, 1, "--restart-within", "4")
        equal("not a success", (result["ok"], result["outcome"]), (False, "failed"))
        check(f"it says what runs: {result['error']['message']}", OLD in result["error"]["message"])
        equal("nothing runs", peer.runs(), (None, None))


def refusals(program, server):
    with Meterwright(program) as mw, Peer(mw, server, []) as peer:
        for title, name, version, more, words in [
            ("another maker", "maker", NEW, ["--maker", "ELS"], "ELS"),
            ("another model", "model", NEW, ["--model", "X-1"], "X-1"),
            ("another version", "replaces", NEW, ["--replaces", "0.9"], "0.9"),
            ("an older version", "older", "PEER 0.9.0", [], "older"),
        ]:
            path, _ = package(mw, name, version, *more)
            result = flashed(mw, path, 3)
            equal(f"{title}: outcome", (result["outcome"], result["initiations"]), ("refused", 0))
            check(f"{title}: {result['error']['message']}", words in result["error"]["message"])
        path, sent = package(mw, "older", "PEER 0.9.0")
        result = flashed(mw, path, 0, "--allow-downgrade", "1.0.0 counts twice")
        equal("a downgrade with its reason", result["version_after"], "PEER 0.9.0")
        check("the older image runs to the last byte", peer.runs()[0] == sent)


def staged(program, server):
    """Transferred by one command, activated by another."""
    with Meterwright(program) as mw, Peer(mw, server, []) as peer:
        path, sent = package(mw, "new", NEW)
        equal("ready", flashed(mw, path, 0, "--activate", "never")["outcome"], "ready")
        equal("nothing runs yet", peer.runs(), (None, None))
        equal("activated", flashed(mw, path, 0)["outcome"], "flashed")
        runs, told = peer.runs()
        check("the meter runs the image to the last byte", runs == sent)
        equal("initiated once", told["initiations"], 1)


def run(program, server):
    for title, flags in FLASHES:
        with case(f"our flash, {title}"):
            flash(program, server, title, flags)
    for title, one in [
        ("the line breaks off among the blocks", cut),
        ("the old version comes back", old_version),
        ("refusals", refusals),
        ("transferred first, activated later", staged),
    ]:
        with case(f"our flash, {title}"):
            one(program, server)
