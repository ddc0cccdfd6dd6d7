"""Runs Meterwright against programs that its authors did not write: run.py METERWRIGHT PEER_METER."""

import sys

import harness
import our_client
import our_meters


def main():
    program, server = sys.argv[1:]
    try:
        our_client.run(program, server)
        our_meters.run(program)
    except harness.Difference as difference:
        print(f"not equal: {difference}")
        print(f"{harness.compared - 1} passed, 1 failed")
        return 1
    print(f"{harness.compared} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
