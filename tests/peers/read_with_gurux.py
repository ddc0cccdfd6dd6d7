"""Reads a virtual meter with gurux_dlms, a program of its own: read_with_gurux.py JOB.

JOB is a JSON file: {"host", "port", "udp": true where it is UDP, "gateway": {"network", "address"} where one stands in
between} or {"serial"}, "framing": "wrapper"|"hdlc", "client", "server", "physical",
"auth", "security", "password", "encryption_key", "authentication_key", "counter", "max_pdu", "list", "profile": code,
"from", "to" (seconds of the epoch), "refusal": true where the meter must refuse, "general_blocks": the window of general
block transfer, where that is to be agreed on; the document then tells how many blocks came.
"""

import datetime
import socket

import serial
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, Conformance, InterfaceType, ObjectType, Security
from gurux_dlms.objects import GXDLMSProfileGeneric
from gurux_dlms.secure import GXDLMSSecureClient

import reading

SILENCE_SECONDS = 20
GENERAL_BLOCK = 0xE0
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
        self.udp = job.get("udp", False)
        gateway = job.get("gateway")
        self.prefix = b""
        if gateway:
            address = bytes.fromhex(gateway["address"])
            self.prefix = bytes([0xE6, gateway["network"], len(address)]) + address
        if "serial" in job:
            self.port = serial.Serial(job["serial"], 9600, timeout=SILENCE_SECONDS)
        elif self.udp:
            family = socket.AF_INET6 if ":" in job["host"] else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.settimeout(SILENCE_SECONDS)
            self.socket.connect((job["host"], job["port"]))
        else:
            self.socket = socket.create_connection((job["host"], job["port"]), timeout=SILENCE_SECONDS)

    def send(self, data):
        if self.prefix:
            data = bytes(data)
            length = len(data) - 8 + len(self.prefix)
            data = data[:6] + length.to_bytes(2, "big") + self.prefix + data[8:]
        if self.port:
            self.port.write(data)
        else:
            self.socket.sendall(data)

    def close(self):
        (self.port or self.socket).close()

    def receive(self):
        data = self.port.read(max(1, self.port.in_waiting)) if self.port else self.socket.recv(65536)
        if not data:
            raise RuntimeError("the virtual meter went silent")
        return self.without_prefix(bytes(data)) if self.prefix else bytes(data)

    def without_prefix(self, data):
        """One whole wrapper frame, with the gateway's answer prefix taken off and looked at."""
        while len(data) < 8 or len(data) < 8 + int.from_bytes(data[6:8], "big"):
            data += self.socket.recv(65536)
        expected = bytes([0xE7]) + self.prefix[1:]
        if data[8 : 8 + len(expected)] != expected:
            raise RuntimeError(f"the gateway answered with {data[8:16].hex()}")
        apdu = data[8 + len(expected) :]
        return data[:6] + len(apdu).to_bytes(2, "big") + apdu


class Reader:
    def __init__(self, job):
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
            ciphering.invocationCounter = job["counter"]
        if job.get("max_pdu"):
            self.client.maxReceivePDUSize = job["max_pdu"]
        self.general_blocks = 0
        if job.get("general_blocks"):
            self.client.proposedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
            self.client.settings.gbtWindowSize = job["general_blocks"]
            # The package asks its settings for this when it acknowledges blocks, and they have it under another name.
            type(self.client.settings).blockNumber = property(lambda settings: settings.blockIndex)

    def exchange(self, data, reply):
        """Sends one frame, unless more is coming by itself, and gathers one complete frame of the answer."""
        if data:
            self.line.send(data)
        elif not reply.isStreaming():
            return
        buffer = GXByteBuffer()
        buffer.set(self.hear())
        while not self.client.getData(buffer, reply, None):
            buffer.set(self.hear())

    def hear(self):
        data = self.line.receive()
        # Of several in one piece the first is enough to know that they come so.
        self.general_blocks += len(data) > 8 and data[8] == GENERAL_BLOCK
        return data

    def ask(self, frames):
        """Sends a request of one or many frames and gathers the whole answer, blocks and segments included."""
        reply = GXReplyData()
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

    def item(self, class_id, code):
        item = self.client.createObject(ObjectType(class_id))
        item.logicalName = code
        return item

    def get(self, class_id, code, attribute):
        return self.ask(self.client.read(self.item(class_id, code), attribute)).value

    def get_list(self, wanted):
        """With lists of ten, as the package cuts them."""
        found = []
        for start in range(0, len(wanted), 10):
            part = [(self.item(class_id, code), attribute) for class_id, code, attribute in wanted[start : start + 10]]
            for frames in self.client.readList(part):
                found.extend(self.ask(frames).value)
        return found

    def rows(self, code, captured, start, end):
        profile = GXDLMSProfileGeneric(code)
        self.client.updateValue(profile, 3, captured)
        start = datetime.datetime.fromtimestamp(start, datetime.timezone.utc)
        end = datetime.datetime.fromtimestamp(end, datetime.timezone.utc)
        return self.ask(self.client.readRowsByRange(profile, start, end)).value

    def close(self):
        self.ask(self.client.releaseRequest())
        frames = self.client.disconnectRequest()
        if frames:
            self.ask(frames)
        self.line.close()


def last_counter(job, place):
    reader = Reader(job)
    reader.open()
    counter = reader.get(*place)
    reader.close()
    return counter


def read(job):
    job = reading.with_counter(job, last_counter)
    reader = Reader(job)
    reader.open()
    document = reading.read(job, reader.get, reader.rows, reader.get_list)
    reader.close()
    return {**document, "general_blocks": reader.general_blocks}


if __name__ == "__main__":
    reading.tell(read)
