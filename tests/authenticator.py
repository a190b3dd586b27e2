"""A device that makes passkeys and answers with them, as WebAuthn level 2 writes the bytes."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """It counts each use in `count`; `verifies` says whether it asks who holds it; `says` is what
    it tells of its key, where that is not the truth."""

    verifies: bool = True
    count: int = 0
    says: bytes = b""
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict, origin: str) -> str:
        """A browser's answer to `navigator.credentials.create`, on a page of `origin`."""
        point = self._key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # COSE: EC2, ES256, P-256
        data = self._data(options["rp"]["id"], ATTESTED) + bytes(16)  # of no known make
        data += len(self.credential).to_bytes(2, "big") + self.credential + (self.says or key)
        told = {"fmt": "none", "attStmt": {}, "authData": data}
        client = _client("webauthn.create", options, origin)
        return self._answer(clientDataJSON=client, attestationObject=cbor2.dumps(told))

    def get(self, options: dict, origin: str) -> str:
        """A browser's answer to `navigator.credentials.get`, on a page of `origin`."""
        self.count += 1
        data, client = self._data(options["rpId"]), _client("webauthn.get", options, origin)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signed)

    def _data(self, rp_id: str, more: int = 0) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.verifies else 0)
        counted = bytes([flags]) + self.count.to_bytes(4, "big")
        return hashlib.sha256(rp_id.encode()).digest() + counted

    def _answer(self, **response: bytes) -> str:
        id_ = _text(self.credential)
        told = {name: _text(value) for name, value in response.items()}
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": told})


def _client(kind: str, options: dict, origin: str) -> bytes:
    told = {"type": kind, "challenge": options["challenge"], "origin": origin}
    return json.dumps(told).encode()


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
