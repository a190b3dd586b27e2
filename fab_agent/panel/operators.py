"""The people who may sign in at the panel: names, PINs that only scrypt has seen, and passkeys."""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationError

from commons.errors import Conflict, InvalidInput, NotFound, NotSignedIn, Unavailable
from commons.quantities import Value
from fab_agent import private_files

_FILE, _LOCK = "operators.json", "operators.lock"
MOST_PASSKEYS = 10
SHORTEST_PIN, LONGEST_PIN = 6, 12
# 16 MB and about 50 ms of a lab's little computer for each try.
_COST = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}
# So many wrong PINs for one name, and that name waits: first so long, then twice as long each
# time, s. Nobody needs to sign in to stop a machine.
TRIES = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0


class Passkey(Value):
    """A passkey as it is kept: nothing of it is secret, bytes are in hex.

    It works at the host `rp_id` alone; `sign_count` is what its device counted last.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    name: Annotated[str, Field(min_length=1, max_length=40)]
    credential: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,1023}$")]
    public_key: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,2048}$")]
    rp_id: Annotated[str, Field(min_length=1, max_length=253)]
    sign_count: Annotated[int, Field(ge=0, lt=2**32)]
    made_at: AwareDatetime


class _Kept(Value):
    """What is kept of an operator."""

    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    scrypt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    passkeys: tuple[Passkey, ...] = ()


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
        """`name` may sign in with `pin` from now on, and with no earlier one; passkeys stay.

        Raises:
            InvalidInput: no name, or a PIN that is too short, too long or guessed at once.
        """
        name = name.strip()
        if not name or len(name) > 80 or not name.isprintable():
            raise InvalidInput("an operator's name has 1 to 80 letters on one line")
        _require_fit(pin)
        salt = secrets.token_bytes(16)
        scrypt = _scrypt(pin, salt).hex()
        with self._changing() as operators:
            passkeys = operators[name].passkeys if name in operators else ()
            operators[name] = _Kept(salt=salt.hex(), scrypt=scrypt, passkeys=passkeys)

    def remove(self, name: str) -> None:
        """`name` may sign in no longer; NotFound when nobody is called so."""
        with self._changing() as operators:
            _kept_of(operators, name)
            del operators[name]

    def passkeys(self, name: str) -> tuple[Passkey, ...]:
        """The person's passkeys, the oldest first; NotFound when nobody is called so."""
        return _kept_of(self._read().operators, name).passkeys

    def have_passkey(self, rp_id: str) -> bool:
        """Whether anybody has a passkey that works at this host."""
        operators = self._read().operators.values()
        return any(key.rp_id == rp_id for kept in operators for key in kept.passkeys)

    def add_passkey(self, name: str, passkey: Passkey) -> None:
        """`name` may sign in with this passkey, too.

        Raises:
            NotFound: nobody is called so. Conflict: it is here already, or there are too many.
        """
        with self._changing() as operators:
            kept = _kept_of(operators, name)
            if len(kept.passkeys) >= MOST_PASSKEYS:
                raise Conflict(f"{name} has {MOST_PASSKEYS} passkeys already: remove one first")
            if _holder_in(operators, passkey.credential):
                raise Conflict("this passkey is here already: sign in with it")
            operators[name] = kept.model_copy(update={"passkeys": (*kept.passkeys, passkey)})

    def remove_passkey(self, name: str, id_: str) -> Passkey:
        """Nobody signs in with the person's passkey of this id any more, and whoever did is out.

        Raises:
            NotFound: nobody is called so, or they have no such passkey.
        """
        with self._changing() as operators:
            kept = _kept_of(operators, name)
            gone = next((key for key in kept.passkeys if key.id == id_), None)
            if gone is None:
                known = ", ".join(key.id for key in kept.passkeys) or "there is none"
                raise NotFound(f"{name} has no passkey {id_[:20]}: {known}")
            left = tuple(key for key in kept.passkeys if key is not gone)
            operators[name] = kept.model_copy(update={"passkeys": left})
            return gone

    def holder_of(self, credential: str) -> tuple[str, Passkey] | None:
        """Whose passkey has this credential id, and which it is; None when nobody's has."""
        return _holder_in(self._read().operators, credential)

    def count_use(self, name: str, passkey: Passkey, sign_count: int) -> None:
        """The passkey was used, and its device has counted to `sign_count`.

        Raises:
            NotFound: it was removed meanwhile. NotSignedIn: the count went back, so there are two.
        """
        with self._changing() as operators:
            kept = _kept_of(operators, name)
            now = next((key for key in kept.passkeys if key.id == passkey.id), None)
            if now is None:
                raise NotFound("this passkey was removed meanwhile: sign in with your PIN")
            if not _counts_on(now.sign_count, sign_count):
                raise NotSignedIn(
                    f"the counter of the passkey {now.name} went back, from {now.sign_count} to "
                    f"{sign_count}: it may have been copied. Sign in with your PIN, and remove it"
                )
            used = now.model_copy(update={"sign_count": sign_count})
            keys = tuple(used if key is now else key for key in kept.passkeys)
            operators[name] = kept.model_copy(update={"passkeys": keys})

    def knows(self, name: str, pin: str) -> bool:
        """Whether this is the person's PIN. Takes as long for a name that nobody has."""
        kept = self._read().operators.get(name)
        salt = bytes.fromhex(kept.salt) if kept else bytes(16)
        hashed = _scrypt(pin, salt)
        return kept is not None and hmac.compare_digest(hashed, bytes.fromhex(kept.scrypt))

    def mark_of(self, name: str, passkey_id: str = "") -> str | None:
        """What changes with the person's PIN, and ends with the passkey if one is named.

        None when nobody is called so, or has no such passkey.
        """
        kept = self._read().operators.get(name)
        if kept is None or (passkey_id and passkey_id not in {key.id for key in kept.passkeys}):
            return None
        return hashlib.sha256((kept.scrypt + passkey_id).encode()).hexdigest()[:16]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, _Kept]]:
        """The operators, to be changed; kept as they are then. No other process changes them
        meanwhile: a passkey that is used must not bring back who has just been removed."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path.with_name(_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"the operators cannot be kept in {self._path}: {error}") from error
        with open(lock) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            operators = dict(self._read().operators)
            yield operators
            self._write(_File(operators=operators))

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


def _kept_of(operators: dict[str, _Kept], name: str) -> _Kept:
    try:
        return operators[name]
    except KeyError as missing:
        known = ", ".join(operators) or "there is none"
        raise NotFound(f"no operator is called {name[:80]}: {known}") from missing


def _holder_in(operators: dict[str, _Kept], credential: str) -> tuple[str, Passkey] | None:
    held = ((name, key) for name, kept in operators.items() for key in kept.passkeys)
    return next(((name, key) for name, key in held if key.credential == credential), None)


def _counts_on(before: int, now: int) -> bool:
    """A device that counts counts each use; one that does not says 0 for good."""
    return now > before or now == before == 0


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
