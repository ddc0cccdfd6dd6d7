"""A scripted meter, wrapper and no ciphering, with one oddity of a real one at a time (own code, plain sockets)."""

import datetime
import socket
import struct
import threading

CLOCK, PLATE, PROFILE, LIST = "0.0.1.0.0.255", "0.0.96.1.0.255", "1.0.99.1.0.255", "0.0.40.0.0.255"
IMPORT, EXPORT = "1.0.1.8.0.255", "1.0.2.8.0.255"
PERIOD = 1800
ROWS = 48
REGISTERS = {IMPORT: 123_456, EXPORT: 789}

GET, SET, SELECTIVE, LISTS, BLOCKS = 1 << 4, 1 << 3, 1 << 2, 1 << 9, 1 << 12
ACCESS_DENIED, OBJECT_UNDEFINED, OTHER_REASON = 3, 4, 250


def octets(data):
    return bytes([0x09, len(data)]) + data


def name(code):
    return bytes(int(part) for part in code.split("."))


def structure(*fields):
    return bytes([0x02, len(fields)]) + b"".join(fields)


def array(items):
    items = list(items)
    length = bytes([len(items)]) if len(items) < 0x80 else b"\x82" + struct.pack(">H", len(items))
    return b"\x01" + length + b"".join(items)


def u16(value):
    return b"\x12" + struct.pack(">H", value)


def u32(value):
    return b"\x06" + struct.pack(">I", value)


def stamp(moment):
    day = struct.pack(">HBBBBBBB", moment.year, moment.month, moment.day, moment.isoweekday(), moment.hour, moment.minute, moment.second, 0)
    return day + b"\x00\x00\x00"


def aare(*, result=0, diagnostic=0, mechanism=None, version=False, user_information=True, conformance=None, max_pdu=1024):
    """An AARE in BER, as IEC 62056-53 and real meters write it."""
    if conformance is None:
        conformance = GET | SELECTIVE | LISTS | BLOCKS
    body = b"\x80\x02\x07\x80" if version else b""
    body += bytes.fromhex("A109060760857405080101")
    body += bytes([0xA2, 0x03, 0x02, 0x01, result, 0xA3, 0x05, 0xA1, 0x03, 0x02, 0x01, diagnostic])
    if mechanism is not None:
        body += bytes.fromhex("88020780") + bytes.fromhex("8907608574050802") + bytes([mechanism])
    if user_information:
        initiate = b"\x08\x00\x06\x5f\x1f\x04\x00" + conformance.to_bytes(3, "big") + struct.pack(">H", max_pdu) + b"\x00\x07"
        body += bytes([0xBE, len(initiate) + 2, 0x04, len(initiate)]) + initiate
    return bytes([0x61, len(body)]) + body


class Hangup(Exception):
    """The meter closes the connection instead of an answer."""


class AwkwardMeter:
    """What a meter without oddities does; an oddity is a subclass or a setting that does it otherwise."""

    aare_settings = {}
    block = 200
    silent_release = False
    list_answer = "values"
    after_value = b""
    refused_objects = False
    hangs_up_at_block = None
    wrong_release = False
    profile_refusal = None
    notifies = False
    swapped = False
    first_block = 1
    strays = False
    null_stamps = False
    vague_stamps = False
    newest_first = False
    objects_promised = 0

    def __init__(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.newest = int(now.timestamp()) // PERIOD * PERIOD
        self.pending = b""
        self.block_number = 0
        self.hung_up = 0
        self.is_profile = False
        self.associations = 0

    def stamps(self):
        return [self.newest - PERIOD * (ROWS - 1 - row) for row in range(ROWS)]

    def row(self, number, end):
        moment = stamp(datetime.datetime.fromtimestamp(end, datetime.timezone.utc))
        if self.vague_stamps:
            # Weekday, hundredths and status not specified.
            moment = moment[:4] + b"\xff" + moment[5:8] + b"\xff" + moment[9:11] + b"\xff"
        is_left_out = self.null_stamps and number % 10
        return structure(b"\x00" if is_left_out else octets(moment), u32(1000 + number), u32(number % 7))

    def instant(self, selection, place):
        year, month, day, _, hour, minute, second, _, deviation = struct.unpack(">HBBBBBBBh", selection[place : place + 11])
        moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc)
        return moment.timestamp() + (deviation if deviation != -32768 else 0) * 60

    def value(self, class_id, code, attribute, selection):
        """A-XDR of an attribute, or a data-access-result."""
        if (class_id, code, attribute) == (15, LIST, 2):
            if self.refused_objects:
                return ACCESS_DENIED
            listed = [(8, 0, CLOCK), (1, 0, PLATE), (7, 1, PROFILE), (3, 0, IMPORT), (3, 0, EXPORT)]
            rights = structure(array([]), array([]))
            entries = array(structure(u16(cls), b"\x11" + bytes([version]), octets(name(obis)), rights) for cls, version, obis in listed)
            return b"\x01" + bytes([entries[1] + self.objects_promised]) + entries[2:]
        if (class_id, code, attribute) == (8, CLOCK, 2):
            return octets(stamp(datetime.datetime.now(datetime.timezone.utc))) + self.after_value
        if (class_id, code, attribute) == (1, PLATE, 2):
            return octets(b"AWK00001") + self.after_value
        if class_id == 3 and code in REGISTERS and attribute == 2:
            return u32(REGISTERS[code]) + self.after_value
        if class_id == 3 and code in REGISTERS and attribute == 3:
            return structure(b"\x0f\x01", b"\x16\x1e") + self.after_value
        if (class_id, code) == (7, PROFILE):
            return self.profile(attribute, selection)
        return OBJECT_UNDEFINED

    def profile(self, attribute, selection):
        if attribute == 2:
            if selection and self.profile_refusal:
                return self.profile_refusal
            start, end = 0, float("inf")
            if selection and selection[0] == 1:
                # Structure of 4; the restricting object takes 18 octets; each limit is an octet string of 12.
                start, end = self.instant(selection, 23), self.instant(selection, 37)
            self.is_profile = True
            rows = [self.row(number, at) for number, at in enumerate(self.stamps()) if start <= at <= end]
            return array(reversed(rows) if self.newest_first else rows)
        if attribute == 3:
            columns = [(8, CLOCK), (3, IMPORT), (3, EXPORT)]
            return array(structure(u16(cls), octets(name(obis)), b"\x0f\x02", u16(0)) for cls, obis in columns)
        plain = {4: u32(PERIOD), 5: b"\x16\x02" if self.newest_first else b"\x16\x01", 6: b"\x00", 7: u32(ROWS), 8: u32(ROWS)}
        return plain.get(attribute, OBJECT_UNDEFINED)

    def apdus(self, request):
        """All that the meter sends after one request."""
        if self.notifies:
            yield bytes.fromhex("0F00000001") + b"\x00" + structure(u32(1))
        if self.strays and request[0] == 0xC0:
            # The late answer to a request that was given up: another invoke-id.
            yield bytes([0xC4, 0x01, request[2] ^ 0x05, 0x00]) + u32(99)
        reply = self.apdu(request)
        if reply is not None:
            yield reply

    def apdu(self, request):
        """The answer to one request; nothing where the meter stays silent."""
        tag = request[0]
        if tag == 0x60:
            self.associations += 1
            return aare(**self.aare_settings)
        if tag == 0x62:
            if self.silent_release:
                return None
            return bytes.fromhex("6311800100BE0F040E") if self.wrong_release else b"\x63\x03\x80\x01\x00"
        if tag != 0xC0:
            return bytes.fromhex("D80102")
        kind, invoke = request[1], request[2:3]
        if kind == 1:
            class_id, code, attribute, selection, _ = self.descriptor(request, 3)
            return self.answer(invoke, self.value(class_id, code, attribute, selection))
        if kind == 2:
            return self.next_block(invoke)
        return self.listed(invoke, request)

    def descriptor(self, request, place):
        class_id = int.from_bytes(request[place : place + 2], "big")
        code = ".".join(str(part) for part in request[place + 2 : place + 8])
        attribute, selects = request[place + 8], request[place + 9]
        selection = request[place + 10 :] if selects else b""
        # A range of the clock column, as every request with a selection here: 51 octets.
        return class_id, code, attribute, selection, place + 10 + (51 if selects else 0)

    def answer(self, invoke, value):
        if isinstance(value, int):
            return b"\xc4\x01" + invoke + b"\x01" + bytes([value])
        if len(value) <= self.block:
            return b"\xc4\x01" + invoke + b"\x00" + value
        self.pending, self.block_number = value, self.first_block - 1
        return self.next_block(invoke)

    def next_block(self, invoke):
        self.block_number += 1
        if self.is_profile and self.hangs_up_at_block == self.block_number and self.hung_up < 10:
            self.hung_up += 1
            raise Hangup
        part, self.pending = self.pending[: self.block], self.pending[self.block :]
        last = b"\x01" if not self.pending else b"\x00"
        length = bytes([len(part)]) if len(part) < 0x80 else b"\x81" + bytes([len(part)])
        return b"\xc4\x02" + invoke + last + struct.pack(">I", self.block_number) + b"\x00" + length + part

    def listed(self, invoke, request):
        if self.list_answer == "exception":
            return bytes.fromhex("D80102")
        if self.list_answer == "silence":
            return None
        place, results = 4, []
        for _ in range(request[3]):
            class_id, code, attribute, selection, place = self.descriptor(request, place)
            value = self.value(class_id, code, attribute, selection)
            results.append(b"\x01" + bytes([value]) if isinstance(value, int) else b"\x00" + value)
        if self.list_answer == "one short":
            results = results[:-1]
        body = bytes([len(results)]) + b"".join(results)
        if len(body) <= self.block:
            return b"\xc4\x03" + invoke + body
        self.pending, self.block_number = body, self.first_block - 1
        return self.next_block(invoke)


def serve(meter):
    """Serves a meter on a port that the system chooses; gives the listening socket, whose closing ends it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def converse(stream):
        with stream:
            arrived = b""
            while octets_in := stream.recv(65536):
                arrived += octets_in
                while len(arrived) >= 8 and len(arrived) >= 8 + int.from_bytes(arrived[6:8], "big"):
                    _, source, destination, length = struct.unpack(">HHHH", arrived[:8])
                    request, arrived = arrived[8 : 8 + length], arrived[8 + length :]
                    out, back = (source, destination) if meter.swapped else (destination, source)
                    for reply in meter.apdus(request):
                        stream.sendall(struct.pack(">HHHH", 1, out, back, len(reply)) + reply)

    def accept():
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            try:
                converse(stream)
            except (Hangup, ConnectionError):
                stream.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener
