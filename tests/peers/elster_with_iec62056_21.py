"""A client of IEC 62056-21 that its authors did not write, against our virtual Elster meter: sign-on, programming mode,
password and figures, compared with what our own client reads. Only what Elster's tables mean is reckoned here, from the
fact sheet."""

import sys
from decimal import Decimal

from iec62056_21.client import Iec6205621Client
from iec62056_21.messages import CommandMessage, DataSet

import harness

AT = "2026-11-22T12:10:00Z"
PASSWORD = "12345678"
ACK = "\x06"
# The first seven cumulative registers of an A1700 (section 5).
REGISTERS = ["1.8.0", "2.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0", "9.8.0"]


def transformed(password, seed):
    """Section 2.2, a second time."""
    mixed = [ord(letter) ^ octet for letter, octet in zip(password, bytes.fromhex(seed))]
    sent, before = "", mixed[-1]
    for one in mixed:
        before = (one + before) & 0xFF
        sent += f"{before:02X}"
    return sent


def register(octets):
    """Packed BCD, least significant octet first, in milli-units."""
    return Decimal("".join(f"{octet:02x}" for octet in reversed(octets))).scaleb(-3)


def text(received):
    return received if isinstance(received, str) else received.decode("latin-1")


class Theirs:
    """Their client, in programming mode."""

    def __init__(self, line):
        host, port = line.removeprefix("tcp+flag://").split(":")
        self.client = Iec6205621Client.with_tcp_transport(address=(host, int(port)), password=PASSWORD)

    def __enter__(self):
        self.client.connect()
        self.client.startup()
        self.challenge = self.client.access_programming_mode()
        return self

    def __exit__(self, *_):
        self.client.send_break()
        self.client.disconnect()

    def password(self, digits):
        message = CommandMessage("P", 2, DataSet("", digits, no_address=True))
        self.client.transport.send(message.to_bytes())
        return text(self.client.transport.recv(1))

    def table(self, identity, length):
        whole = b""
        for packet, begin in enumerate(range(0, length, 64), 1):
            answer = self.client.read_single_value(f"{identity:03}{packet:03x}", f"{min(64, length - begin):02X}")
            whole += bytes.fromhex(answer.value)
        return whole


def run(program):
    command = [program, "simulate", "--template", "elster-a1700", "--at", AT, "--json"]
    with harness.case("Elster A1700, read by iec62056-21"):
        # The document is in one line only where nobody looks: see harness.serving.
        with harness.serving(command) as document, harness.Meterwright(program) as ours:
            meter = document["meters"][0]
            ours.add("m", meter["line"], meter["time_zone"], {"password": PASSWORD}, template="elster-a1700")
            ours.json("read", "m", "--what", "identity,registers")
            shown = ours.json("show", "registers", "m")
            figures = {one["obis"]: Decimal(one["value"]) for one in shown["registers"] if one["value"]}
            with Theirs(meter["line"]) as theirs:
                harness.equal("maker", "GEC", theirs.client.manufacturer_id)
                seed = theirs.challenge.data_set.value
                harness.equal("a seed of eight octets", 16, len(seed))
                harness.equal("the opening", ACK, theirs.password("0" * 16))
                serial = theirs.table(798, 16).decode("ascii").strip()
                harness.equal("serial number", shown["serial"], serial)
                harness.equal("the password", ACK, theirs.password(transformed(PASSWORD, seed)))
                table = theirs.table(507, 80)
                for place, code in enumerate(REGISTERS):
                    theirs_says = register(table[8 * place : 8 * place + 8])
                    harness.equal(code, figures[f"1-0:{code}*255"], theirs_says)


if __name__ == "__main__":
    run(sys.argv[1])
    print(f"{harness.compared} passed, {harness.failed} failed")
    sys.exit(1 if harness.failed else 0)
