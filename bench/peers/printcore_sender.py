"""Printrun's printcore, as its own README shows it. Runs in the peers' environment."""

import logging
import sys
import time

from printrun import gcoder
from printrun.printcore import printcore


def main(port: str, baud: str, program: str) -> None:
    logging.disable(logging.CRITICAL)  # its own words about every resend
    host = printcore(port, int(baud))
    while not host.online:
        time.sleep(0.05)
    with open(program) as file:
        code = gcoder.LightGCode([line.strip() for line in file])
    print("ready", flush=True)
    sys.stdin.readline()
    host.startprint(code)
    while host.printing:
        time.sleep(0.05)
    print("done", flush=True)
    sys.stdin.read()
    host.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
