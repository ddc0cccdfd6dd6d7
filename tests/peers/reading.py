"""What the foreign clients read of a virtual meter, and how they tell of it.

A client is a function `get(class, code, attribute)` and a function `rows(code, captured, start, end)` over its own
package; what comes out is one JSON document of raw values, in the client's own decoding. Octet strings are hex.
"""

import contextlib
import json
import sys

CLOCK, ASSOCIATION, PROFILE = 8, 15, 7
# Class: the attributes that hold figures, scalers and times.
ATTRIBUTES = {1: (2,), 3: (2, 3), 4: (2, 3, 4, 5), 5: (2, 3, 4, 5, 6, 7, 8, 9)}


def plain(value):
    """Numbers, texts and hex in lists."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{value!r} of {type(value)} has no place in the document")


def dotted(name):
    return ".".join(str(part) for part in bytes(name))


def read(job, get, rows, get_list=None):
    """Reads the plan of a job: the object list, the clock, every figure, the profile between two instants."""
    listed = [(int(entry[0]), dotted(entry[2])) for entry in get(ASSOCIATION, "0.0.40.0.0.255", 2)]
    wanted = [
        (class_id, code, attribute)
        for class_id, code in listed
        for attribute in ATTRIBUTES.get(class_id, ())
    ]
    wanted.append((CLOCK, "0.0.1.0.0.255", 2))
    if job.get("list"):
        found = get_list(wanted)
    else:
        found = [get(*one) for one in wanted]
    document = {
        "objects": [[class_id, code] for class_id, code in listed],
        "values": [[*one, plain(value)] for one, value in zip(wanted, found)],
    }
    if job.get("profile"):
        captured = get(PROFILE, job["profile"], 3)
        document["columns"] = [[int(column[0]), dotted(column[1]), int(column[2])] for column in captured]
        document["rows"] = plain(rows(job["profile"], captured, job["from"], job["to"]))
    return document


def with_counter(job, last_counter):
    """Fills in the invocation counter where the job leaves it out, as a client does that comes to a meter for the first
    time: it asks the meter for the last one as the public client. A session takes a few."""
    if job.get("security", "none") == "none" and job["auth"] != "high-gmac" or "counter" in job:
        return job
    public = {**job, "client": 16, "auth": "none", "security": "none", "encryption_key": None, "counter": 0}
    return {**job, "counter": last_counter(public, (1, "0.0.43.1.0.255", 2)) + 1}


def tell(read_job):
    """Runs a job file's reading; what the package makes of a refusal is an answer too."""
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    try:
        # The packages print what they think of.
        with contextlib.redirect_stdout(sys.stderr):
            document = read_job(job)
    except Exception as error:  # pylint: disable=broad-except
        if not job.get("refusal"):
            raise
        document = {"refused": f"{type(error).__name__}: {error}", "value": getattr(error, "serviceErrorValue", None)}
    json.dump(document, sys.stdout)
