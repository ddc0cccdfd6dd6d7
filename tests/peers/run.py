"""Runs Meterwright against programs that its authors did not write: run.py METERWRIGHT PEER_METER."""

import sys

import acting
import awkward_meters
import elster_with_iec62056_21
import harness
import our_client
import our_flash
import our_meters
import our_schemes


def main():
    program, server = sys.argv[1:]
    our_client.run(program, server)
    awkward_meters.run(program)
    our_meters.run(program)
    our_schemes.run(program)
    our_flash.run(program, server)
    acting.run(program, server)
    elster_with_iec62056_21.run(program)
    print(f"{harness.compared} passed, {harness.failed} failed")
    return 1 if harness.failed else 0


if __name__ == "__main__":
    sys.exit(main())
