"""Reads a virtual meter with dlms-cosem, a program of its own, and prints what it saw as JSON.

Usage: as read_with_gurux.py. The package speaks no high-level authentication but GMAC, and always the general form
of ciphering.
"""

import datetime
import json
import sys

from dlms_cosem import cosem, enumerations, utils
from dlms_cosem.client import DlmsClient
from dlms_cosem.cosem import capture_object, selective_access
from dlms_cosem.io import BlockingTcpIO, HdlcTransport, SerialIO, TcpTransport
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)


def transport(job):
    if "serial" in job:
        io = SerialIO(job["serial"], baud_rate=9600, timeout=5)
    else:
        io = BlockingTcpIO(job["host"], job["port"], timeout=5)
    if job["framing"] == "wrapper":
        return TcpTransport(client_logical_address=job["client"], server_logical_address=job["server"], io=io)
    return HdlcTransport(
        client_logical_address=job["client"],
        server_logical_address=job["server"],
        server_physical_address=job.get("physical"),
        io=io,
    )


def client(job):
    settings = {"transport": transport(job)}
    if job["auth"] == "none":
        settings["authentication"] = NoSecurityAuthentication()
    elif job["auth"] == "low":
        settings["authentication"] = LowLevelSecurityAuthentication(secret=job["password"].encode())
    else:
        settings["authentication"] = HighLevelSecurityGmacAuthentication(challenge_length=16)
    if job.get("encryption_key"):
        settings.update(
            encryption_key=bytes.fromhex(job["encryption_key"]),
            authentication_key=bytes.fromhex(job["authentication_key"]),
            client_system_title=b"U9N\x00\x00\x00\x00\x01",
            client_initial_invocation_counter=job.get("counter", 1),
        )
    return DlmsClient(**settings)


def attribute(class_id, code, number):
    return cosem.CosemAttribute(
        interface=enumerations.CosemInterface(class_id),
        instance=cosem.Obis.from_string(code),
        attribute=number,
    )


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def parse(data):
    return utils.parse_as_dlms_data(data)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    with client(job).session() as session:
        registers = {}
        for class_id, code, number in job["registers"]:
            entry = {"raw": plain(parse(session.get(attribute(class_id, code, number))))}
            if class_id in (3, 4):
                entry["scaler"], entry["unit"] = parse(session.get(attribute(class_id, code, 3)))
            if class_id == 5:
                entry["scaler"], entry["unit"] = parse(session.get(attribute(class_id, code, 4)))
            registers[code] = entry
        result = {"registers": registers}
        if job.get("profile"):
            columns = parse(session.get(attribute(7, job["profile"], 3)))
            clock = capture_object.CaptureObject(cosem_attribute=attribute(8, "0-0:1.0.0.255", 2), data_index=0)
            window = selective_access.RangeDescriptor(
                restricting_object=clock,
                from_value=datetime.datetime.fromtimestamp(job["from"], datetime.timezone.utc),
                to_value=datetime.datetime.fromtimestamp(job["to"], datetime.timezone.utc),
            )
            data = session.get(attribute(7, job["profile"], 2), access_descriptor=window)
            result["columns"] = [[column[0], ".".join(str(part) for part in column[1])] for column in columns]
            result["rows"] = plain(parse(data))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
