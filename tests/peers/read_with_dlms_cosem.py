"""Reads a virtual meter with dlms-cosem, a program of its own: read_with_dlms_cosem.py JOB.

JOB is a file as for read_with_gurux.py. The package speaks GMAC alone among the high-level mechanisms and always the
general form of ciphering; it says that it speaks general block transfer, and does not, so that is taken back here.
"""

import datetime
import logging

import structlog
from dlms_cosem import cosem, enumerations, utils
from dlms_cosem.client import DlmsClient
from dlms_cosem.cosem import capture_object, selective_access
from dlms_cosem.hdlc import state
from dlms_cosem.io import BlockingTcpIO, HdlcTransport, SerialIO, TcpTransport
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)

import reading

SILENCE_SECONDS = 20


class WholeFrames:
    """Reads HDLC frames by their length: the package reads from flag to flag, and waits for ever where a check sequence
    ends in the octet of a flag."""

    def recv_until(self, end):
        format_high = self.recv(1)
        while format_high == end:
            format_high = self.recv(1)
        frame = end + format_high + self.recv(1)
        left = ((frame[-2] & 0x07) << 8 | frame[-1]) - 2 + len(end)
        while left > 0:
            piece = self.recv(left)
            if not piece:
                raise TimeoutError("the virtual meter went silent in the middle of a frame")
            frame += piece
            left -= len(piece)
        return frame


class FramedTcp(WholeFrames, BlockingTcpIO):
    pass


class FramedSerial(WholeFrames, SerialIO):
    pass


class Hdlc(HdlcTransport):
    """Goes on to the next flag of what has arrived, where a flag's octet inside a frame ended the package's search."""

    def next_event(self):
        while True:
            event = self.hdlc_connection.next_event()
            if event is not state.NEED_DATA:
                return event
            if b"~" not in self.hdlc_connection.buffer[self.hdlc_connection.buffer_search_position :]:
                self.hdlc_connection.receive_data(self.recv_frame())


def transport(job):
    if "serial" in job:
        io = FramedSerial(job["serial"], baud_rate=9600, timeout=SILENCE_SECONDS)
    else:
        io = FramedTcp(job["host"], job["port"], timeout=SILENCE_SECONDS)
    if job["framing"] == "wrapper":
        return TcpTransport(client_logical_address=job["client"], server_logical_address=job["server"], io=io)
    return Hdlc(
        client_logical_address=job["client"],
        server_logical_address=job["server"],
        server_physical_address=job.get("physical"),
        io=io,
    )


def make_client(job):
    settings = {"transport": transport(job), "max_pdu_size": job.get("max_pdu", 65535)}
    if job["auth"] == "none":
        settings["authentication"] = NoSecurityAuthentication()
    elif job["auth"] == "low":
        settings["authentication"] = LowLevelSecurityAuthentication(secret=job["password"].encode())
    else:
        settings["authentication"] = HighLevelSecurityGmacAuthentication(challenge_length=16)
    if job.get("security", "none") != "none":
        settings.update(
            encryption_key=bytes.fromhex(job["encryption_key"]),
            authentication_key=bytes.fromhex(job["authentication_key"]),
            client_system_title=b"U9N\x00\x00\x00\x00\x01",
            client_initial_invocation_counter=job["counter"],
        )
    client = DlmsClient(**settings)
    client.dlms_connection.conformance.general_block_transfer = False
    return client


def name(class_id, code, number):
    return cosem.CosemAttribute(
        interface=enumerations.CosemInterface(class_id),
        instance=cosem.Obis.from_string(code),
        attribute=number,
    )


def last_counter(job, place):
    with make_client(job).session() as session:
        return utils.parse_as_dlms_data(session.get(name(*place)))


def read(job):
    job = reading.with_counter(job, last_counter)
    with make_client(job).session() as session:

        def get(class_id, code, number):
            return utils.parse_as_dlms_data(session.get(name(class_id, code, number)))

        def rows(code, captured, start, end):
            class_id, clock, number, index = captured[0]
            restricting = capture_object.CaptureObject(
                cosem_attribute=name(class_id, reading.dotted(clock), number), data_index=index
            )
            window = selective_access.RangeDescriptor(
                restricting_object=restricting,
                from_value=datetime.datetime.fromtimestamp(start, datetime.timezone.utc),
                to_value=datetime.datetime.fromtimestamp(end, datetime.timezone.utc),
            )
            return utils.parse_as_dlms_data(session.get(name(7, code, 2), access_descriptor=window))

        return reading.read(job, get, rows)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    reading.tell(read)
