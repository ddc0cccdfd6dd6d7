"""Reads a virtual meter with gurux_dlms, a program of its own, and prints what it saw as JSON.

Usage: read_with_gurux.py JOB, where JOB is a JSON file: {"host", "port"} or {"serial"}, "framing": "wrapper"|"hdlc",
"client", "server", "physical", "auth", "security", "password", "encryption_key", "authentication_key",
"registers": [[class, obis, attribute]], "profile": obis, "from", "to" (seconds of the epoch).
"""

import datetime
import json
import socket
import sys

import serial
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, Conformance, InterfaceType, ObjectType, RequestTypes, Security
from gurux_dlms.objects import GXDLMSClock, GXDLMSObject, GXDLMSProfileGeneric
from gurux_dlms.secure import GXDLMSSecureClient

AUTHENTICATIONS = {
    "none": Authentication.NONE,
    "low": Authentication.LOW,
    "high-md5": Authentication.HIGH_MD5,
    "high-sha1": Authentication.HIGH_SHA1,
    "high-gmac": Authentication.HIGH_GMAC,
    "high-sha256": Authentication.HIGH_SHA256,
}
SECURITIES = {
    "none": Security.NONE,
    "auth": Security.AUTHENTICATION,
    "encrypt": Security.ENCRYPTION,
    "both": Security.AUTHENTICATION_ENCRYPTION,
}


class Line:
    def __init__(self, job):
        self.port = None
        self.socket = None
        if "serial" in job:
            self.port = serial.Serial(job["serial"], 9600, timeout=5)
        else:
            self.socket = socket.create_connection((job["host"], job["port"]), timeout=5)

    def send(self, data):
        if self.port:
            self.port.write(data)
        else:
            self.socket.sendall(data)

    def receive(self):
        data = self.port.read(max(1, self.port.in_waiting)) if self.port else self.socket.recv(65536)
        if not data:
            raise RuntimeError("the virtual meter went silent")
        return bytes(data)


class Reader:
    def __init__(self, job):
        self.job = job
        self.line = Line(job)
        framing = InterfaceType.WRAPPER if job["framing"] == "wrapper" else InterfaceType.HDLC
        server = job["server"]
        if framing == InterfaceType.HDLC and job.get("physical"):
            server = GXDLMSSecureClient.getServerAddress(server, job["physical"])
        self.client = GXDLMSSecureClient(
            True, job["client"], server, AUTHENTICATIONS[job["auth"]], job.get("password"), framing
        )
        if job.get("encryption_key"):
            ciphering = self.client.ciphering
            ciphering.systemTitle = bytearray(b"GRX\x00\x00\x00\x00\x01")
            ciphering.blockCipherKey = bytearray.fromhex(job["encryption_key"])
            ciphering.authenticationKey = bytearray.fromhex(job["authentication_key"])
            ciphering.security = SECURITIES[job["security"]]
            ciphering.invocationCounter = job.get("counter", 1)
        if job.get("max_pdu"):
            self.client.maxReceivePDUSize = job["max_pdu"]

    def exchange(self, data, reply):
        """Sends one frame and gathers one complete frame of the answer."""
        if not data:
            return
        self.line.send(data)
        buffer = GXByteBuffer()
        buffer.set(self.line.receive())
        while not self.client.getData(buffer, reply, None):
            buffer.set(self.line.receive())

    def ask(self, frames, reply=None):
        """Sends a request of one or many frames and gathers the whole answer, blocks and segments included."""
        reply = reply or GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            reply.clear()
            self.exchange(frame, reply)
            while reply.isMoreData():
                more = None if reply.isStreaming() else self.client.receiverReady(reply)
                self.exchange(more, reply)
        if reply.error:
            raise RuntimeError(f"refused with {reply.error}: {reply.getErrorMessage()}")
        return reply

    def open(self):
        snrm = self.client.snrmRequest()
        if snrm:
            self.client.parseUAResponse(self.ask(snrm).data)
        self.client.parseAareResponse(self.ask(self.client.aarqRequest()).data)
        if self.client.isAuthenticationRequired:
            for frame in self.client.getApplicationAssociationRequest():
                self.client.parseApplicationAssociationResponse(self.ask(frame).data)

    def read(self, item, attribute):
        reply = self.ask(self.client.read(item, attribute))
        if item.getDataType(attribute) == 0:
            item.setDataType(attribute, reply.valueType)
        return self.client.updateValue(item, attribute, reply.value)

    def close(self):
        self.ask(self.client.releaseRequest())
        frames = self.client.disconnectRequest()
        if frames:
            self.ask(frames)


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "value") and isinstance(value.value, datetime.datetime):
        moment = value.value
        if moment.tzinfo is None:
            moment = moment.astimezone()
        return {"epoch": int(moment.timestamp())}
    if isinstance(value, datetime.datetime):
        return {"epoch": int(value.timestamp())}
    if value is None or isinstance(value, (int, float, str, bool)):
        return value
    return str(value)


def raw_registers(reader, wanted):
    """Value and scaler as they stand on the line: gurux_dlms multiplies floats, which loses digits."""
    found = {}
    for class_id, code, attribute in wanted:
        item = reader.client.createObject(ObjectType(class_id))
        item.logicalName = code
        value = reader.ask(reader.client.read(item, attribute)).value
        entry = {"raw": plain(value)}
        if class_id in (3, 4):
            scaler = reader.ask(reader.client.read(item, 3)).value
            entry["scaler"], entry["unit"] = scaler[0], int(scaler[1])
        if class_id == 5:
            scaler = reader.ask(reader.client.read(item, 4)).value
            entry["scaler"], entry["unit"] = scaler[0], int(scaler[1])
        found[code] = entry
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    reader = Reader(job)
    reader.open()
    result = {"registers": raw_registers(reader, job["registers"])}
    if job.get("profile"):
        profile = GXDLMSProfileGeneric(job["profile"])
        reader.read(profile, 3)
        start = datetime.datetime.fromtimestamp(job["from"], datetime.timezone.utc)
        end = datetime.datetime.fromtimestamp(job["to"], datetime.timezone.utc)
        rows = reader.ask(reader.client.readRowsByRange(profile, start, end)).value
        result["columns"] = [[int(item.objectType), item.logicalName] for item, _ in profile.captureObjects]
        result["rows"] = [plain(list(row)) for row in rows]
    reader.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
