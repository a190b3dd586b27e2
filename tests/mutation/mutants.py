"""A good file, spoilt: a few bits, lines and numbers, as a bad disk or a bad person would."""

import random
import re

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_EXTREMES = [b"0", b"-1", b"1e308", b"-1e-308", b"nan", b"inf", b"4294967296", b"9" * 40, b""]


def spoilt(good: bytes, chance: random.Random) -> bytes:
    """The file with one to eight things wrong with it; the same chance spoils it the same way."""
    data = good
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        data = chance.choice(_WAYS)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _slice(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 1, 4, 4, 20, 200)))


def _lose(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 50)) + data[end:]


def _move(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    rest = data[:start] + data[end:]
    at = chance.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _renumber(data: bytes, chance: random.Random) -> bytes:
    """One number becomes an extreme one, or another one of the file."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return _flip(data, chance)
    old, other = chance.choice(found), chance.choice(found)
    new = chance.choice([*_EXTREMES, other[0], other[0]])
    return data[: old.start()] + new + data[old.end() :]


def _scribble(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:start] + chance.randbytes(end - start) + data[end:]


_WAYS = [_flip, _flip, _cut, _lose, _repeat, _move, *[_renumber] * 5, _scribble]
