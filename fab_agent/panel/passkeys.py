"""Passkeys (WebAuthn): what a browser is asked, and whether its answer holds."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from commons.errors import Conflict, InvalidInput, NotSignedIn
from fab_agent.panel.operators import Operators, Passkey

# How long a person may take to answer, s; and how many are waited for at once: anybody may ask.
ANSWER_WITHIN_S = 120.0
MOST_ASKED = 200
# What an answer is at most, characters: signatures and keys are some hundred bytes each.
LONGEST_ANSWER = 16_384
_TIMEOUT_MS = int(ANSWER_WITHIN_S * 1000)
# A passkey proves who holds it, by a finger or a PIN of its own, and knows whose it is.
_VERIFIED = UserVerificationRequirement.REQUIRED
_SELECTION = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
)
Options = dict[str, object]
# The library names most of what can be wrong with an answer; the rest is what its bytes break.
_WRONG = (WebAuthnException, KeyError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Site:
    """The one place where the panel's passkeys work: `origin` as browsers write it."""

    origin: str

    @property
    def host(self) -> str:
        """Name and port, as a request to it has them in its Host."""
        return urlsplit(self.origin).netloc

    @property
    def rp_id(self) -> str:
        """The name alone, to which a passkey is bound for good."""
        return urlsplit(self.origin).hostname or ""


@dataclass(slots=True)
class Challenges:
    """What browsers were asked and have not answered yet. `clock` is monotonic, s.

    Invariant: a challenge is answered once, in time, and for what it was given for; and no more
    than MOST_ASKED are remembered.
    """

    clock: Callable[[], float]
    _given: dict[bytes, tuple[str, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def give(self, purpose: str) -> bytes:
        """A new challenge of 32 random bytes; the oldest is forgotten where there are too many."""
        challenge = secrets.token_bytes(32)
        with self._lock:
            while len(self._given) >= MOST_ASKED:
                del self._given[next(iter(self._given))]
            self._given[challenge] = (purpose, self.clock() + ANSWER_WITHIN_S)
        return challenge

    def take(self, challenge: bytes, purpose: str) -> None:
        """It was given for this purpose a short while ago, and is used up.

        Raises:
            Conflict: it was not, or is used up already.
        """
        with self._lock:
            given, until = self._given.pop(challenge, ("", 0.0))
        if given != purpose or self.clock() > until:
            raise Conflict(
                f"a passkey answers once, within {ANSWER_WITHIN_S / 60:.0f} minutes, on the page "
                "that asked: try once more"
            )


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Lets operators in by passkey, and takes down new ones. Both are two steps: the browser is
    asked, with a challenge that its session keeps, and answers with a JSON text."""

    site: Site
    operators: Operators
    challenges: Challenges

    def ask_new(self, name: str) -> tuple[bytes, Options]:
        """The challenge, and what the operator's browser is asked for to make a passkey."""
        challenge = self.challenges.give(_new_of(name))
        known = [bytes.fromhex(key.credential) for key in self.operators.passkeys(name)]
        options = generate_registration_options(
            rp_id=self.site.rp_id,
            rp_name="Machines of the lab",
            user_id=hashlib.sha256(f"{self.site.rp_id} {name}".encode()).digest(),
            user_name=name,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=_SELECTION,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=id_) for id_ in known],
        )
        return challenge, options_to_json_dict(options)

    def add(
        self, name: str, label: str, answer: str, challenge: bytes, *, now: datetime
    ) -> Passkey:
        """The operator `name` has this passkey, called `label`, from now on.

        Raises:
            InvalidInput: the answer does not hold, or the label is none. Conflict: it comes too
            late or twice, or the passkey is here already.
        """
        label = _label(label)
        self.challenges.take(challenge, _new_of(name))
        try:
            made = verify_registration_response(
                credential=_short(answer),
                expected_challenge=challenge,
                expected_rp_id=self.site.rp_id,
                expected_origin=self.site.origin,
                require_user_verification=True,
            )
            passkey = Passkey(
                id=secrets.token_hex(4),
                name=label,
                credential=made.credential_id.hex(),
                public_key=made.credential_public_key.hex(),
                rp_id=self.site.rp_id,
                sign_count=made.sign_count,
                made_at=now,
            )
        except _WRONG as error:
            raise InvalidInput(f"this passkey cannot be kept: {_why(error)}") from error
        self.operators.add_passkey(name, passkey)
        return passkey

    def ask_who(self) -> tuple[bytes, Options]:
        """The challenge, and what a browser is asked for to say whose passkey it has."""
        challenge = self.challenges.give(_WHO)
        options = generate_authentication_options(
            rp_id=self.site.rp_id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            user_verification=_VERIFIED,
        )
        return challenge, options_to_json_dict(options)

    def admit(self, answer: str, challenge: bytes) -> tuple[str, Passkey]:
        """Who answers, and with which passkey; its use is counted.

        Raises:
            NotSignedIn: the answer does not hold. Conflict: it comes too late or twice.
        """
        self.challenges.take(challenge, _WHO)
        try:
            credential = parse_authentication_credential_json(_short(answer))
            name, passkey = self._held(credential.raw_id)
            proved = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.site.rp_id,
                expected_origin=self.site.origin,
                credential_public_key=bytes.fromhex(passkey.public_key),
                credential_current_sign_count=0,  # ours is asked last, with a sentence of its own
                require_user_verification=True,
            )
        except _WRONG as error:
            raise NotSignedIn(
                f"this passkey is not accepted: {_why(error)}. Try once more, or take your PIN"
            ) from error
        self.operators.count_use(name, passkey, proved.new_sign_count)
        return name, passkey

    def _held(self, credential: bytes) -> tuple[str, Passkey]:
        found = self.operators.holder_of(credential.hex())
        if found is None:
            raise NotSignedIn(
                "nobody here has this passkey (any more): sign in with your PIN, and add it"
            )
        return found


_WHO = "who"


def _new_of(name: str) -> str:
    return f"new passkey of {name}"


def _label(label: str) -> str:
    label = label.strip()
    if not label or len(label) > 40 or not label.isprintable():
        raise InvalidInput("call the passkey by 1 to 40 letters, such as 'my phone'")
    return label


def _short(answer: str) -> str:
    if len(answer) > LONGEST_ANSWER:
        raise InvalidInput(f"that is no passkey's answer: it has {len(answer)} characters")
    return answer


def _why(error: Exception) -> str:
    if not isinstance(error, WebAuthnException):
        return "its bytes are no passkey's"
    text = str(error)
    return text[:1].lower() + text[1:]
