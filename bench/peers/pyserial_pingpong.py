"""Ten lines of pyserial, as many a script has them: a line, its `ok`, the next line."""

import sys
from functools import reduce
from operator import xor
from pathlib import Path

import serial


def main(kind: str, port: str, baud: str, program: str) -> None:
    lines = Path(program).read_bytes().splitlines()
    if kind == "marlin":
        bodies = [b"N%d %s" % (n, line) for n, line in enumerate([b"M110 N0", *lines])]
        lines = [b"%s*%d" % (body, reduce(xor, body)) for body in bodies]
    with serial.Serial(port, int(baud), timeout=1) as wire:
        while wire.read(100):  # a GRBL greets
            pass
        print("ready", flush=True)
        sys.stdin.readline()
        for line in lines:
            wire.write(line + b"\n")
            while not (answer := wire.readline()).startswith(b"ok"):
                if not answer:
                    raise RuntimeError(f"no ok for {line!r}")
        print("done", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
