"""The people who may sign in at the panel: names, and PINs that only scrypt has seen."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Annotated

from pydantic import Field, ValidationError

from commons.errors import Conflict, InvalidInput, NotFound, NotSignedIn, Unavailable
from commons.quantities import Value
from fab_agent import private_files

_FILE = "operators.json"
SHORTEST_PIN, LONGEST_PIN = 6, 12
# 16 MB and about 50 ms of a lab's little computer for each try.
_COST = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}
# So many wrong PINs for one name, and that name waits: first so long, then twice as long each
# time, s. Nobody needs to sign in to stop a machine.
TRIES = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0


class _Kept(Value):
    """A PIN as it is kept."""

    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    scrypt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _File(Value):
    operators: dict[Annotated[str, Field(min_length=1, max_length=80)], _Kept] = Field(
        default_factory=dict
    )


class Operators:
    """The operators in a folder. What one process writes another reads at its next look."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def names(self) -> list[str]:
        """Who may sign in, in order."""
        return sorted(self._read().operators)

    def add(self, name: str, pin: str) -> None:
        """`name` may sign in with `pin` from now on, and with no earlier one.

        Raises:
            InvalidInput: no name, or a PIN that is too short, too long or guessed at once.
        """
        name = name.strip()
        if not name or len(name) > 80 or not name.isprintable():
            raise InvalidInput("an operator's name has 1 to 80 letters on one line")
        _require_fit(pin)
        salt = secrets.token_bytes(16)
        kept = _Kept(salt=salt.hex(), scrypt=_scrypt(pin, salt).hex())
        self._write(_File(operators=self._read().operators | {name: kept}))

    def remove(self, name: str) -> None:
        """`name` may sign in no longer; NotFound when nobody is called so."""
        kept = dict(self._read().operators)
        if kept.pop(name, None) is None:
            raise NotFound(f"no operator is called {name}: {', '.join(kept) or 'there is none'}")
        self._write(_File(operators=kept))

    def knows(self, name: str, pin: str) -> bool:
        """Whether this is the person's PIN. Takes as long for a name that nobody has."""
        kept = self._read().operators.get(name)
        salt = bytes.fromhex(kept.salt) if kept else bytes(16)
        hashed = _scrypt(pin, salt)
        return kept is not None and hmac.compare_digest(hashed, bytes.fromhex(kept.scrypt))

    def mark_of(self, name: str) -> str | None:
        """What changes with the person's PIN; None when nobody is called so."""
        kept = self._read().operators.get(name)
        return None if kept is None else hashlib.sha256(kept.scrypt.encode()).hexdigest()[:16]

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _File()
        except (OSError, ValidationError) as error:
            raise Unavailable(
                f"{self._path} cannot be read or is damaged: remove it and add the operators anew"
            ) from (error if isinstance(error, OSError) else None)

    def _write(self, kept: _File) -> None:
        try:
            private_files.replace(self._path, kept.model_dump_json(indent=1).encode())
        except OSError as error:
            raise Unavailable(f"the operators cannot be kept in {self._path}: {error}") from error


def _require_fit(pin: str) -> None:
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise InvalidInput(f"a PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits")
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise InvalidInput(f"everybody would try {pin[:3]}… first: take another PIN")


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode()[:64], salt=salt, dklen=32, **_COST)


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    pauses: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Doorkeeper:
    """Lets operators in, one guess after the other. `clock` is monotonic, s.

    Invariant: no name is tried more often than TRIES times between two pauses, by however many
    browsers at once.
    """

    operators: Operators
    clock: Callable[[], float]
    _tries: dict[str, _Tries] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def admit(self, name: str, pin: str) -> None:
        """Pass for the right PIN; NotSignedIn for a wrong one, Conflict while the name waits."""
        if name not in self.operators.names():
            raise NotSignedIn(
                f"nobody here is called {name[:80]}: a PIN is set with `cosmo agent operator add`"
            )
        with self._lock:  # one guess at a time: it costs memory, and no two share a try
            tries = self._tries.setdefault(name, _Tries())
            if (left_s := tries.until - self.clock()) > 0:
                raise Conflict(
                    f"too many wrong PINs for {name}: try again in {left_s:.0f} s. "
                    "Stop and hold need no PIN"
                )
            if self.operators.knows(name, pin):
                self._tries.pop(name)
                return
            self._count(name, tries)

    def _count(self, name: str, tries: _Tries) -> None:
        tries.wrong += 1
        if tries.wrong < TRIES:
            left = TRIES - tries.wrong
            raise NotSignedIn(
                f"that is not {name}'s PIN: {left} more {'try' if left == 1 else 'tries'}"
            )
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**tries.pauses)
        tries.wrong, tries.pauses, tries.until = 0, tries.pauses + 1, self.clock() + pause_s
        raise NotSignedIn(f"that is not {name}'s PIN: the next try is in {pause_s:.0f} s")
