"""Flashes a virtual meter with gurux_dlms by that package's own procedure: flash_with_gurux.py JOB.

JOB is a job of read_with_gurux.py with "image" (a file) and "identifier". Tells what the meter says of the image
before it is activated, and the version before and after.
"""

from gurux_dlms.objects import GXDLMSImageTransfer

import reading
from read_with_gurux import Reader, last_counter

IMAGE, VERSION = "0.0.44.0.0.255", "1.0.0.2.0.255"
CLASS = 18


def opened(job):
    reader = Reader(reading.with_counter(dict(job), last_counter))
    reader.open()
    return reader


def plain(value):
    return bytes(value).hex() if isinstance(value, (bytes, bytearray)) else value


def transfer(reader, image, identifier):
    client = reader.client
    target = GXDLMSImageTransfer(IMAGE)
    client.objects.append(target)
    target.imageTransferEnabled = True
    reader.ask(client.write(target, 5))
    client.updateValue(target, 2, reader.get(CLASS, IMAGE, 2))
    reader.ask(target.imageTransferInitiate(client, identifier, len(image)))
    count = [0]
    for frames in target.imageBlockTransfer(client, image, count):
        reader.ask(frames)
    reader.ask(target.imageVerify(client))
    status = reader.get(CLASS, IMAGE, 6)
    info = reader.get(CLASS, IMAGE, 7)
    reader.ask(target.imageActivate(client))
    return int(status), [[int(size), plain(name), plain(signature)] for size, name, signature in info]


def flash(job):
    with open(job["image"], "rb") as file:
        image = file.read()
    reader = opened(job)
    before = bytes(reader.get(1, VERSION, 2)).decode()
    status, info = transfer(reader, image, job["identifier"])
    # The meter restarts: this association and its connection are gone.
    reader.line.close()
    reader = opened(job)
    after = bytes(reader.get(1, VERSION, 2)).decode()
    reader.close()
    return {"before": before, "status": status, "info": info, "after": after}


if __name__ == "__main__":
    reading.tell(flash)
