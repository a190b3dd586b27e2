"""What an agent signs: every part of the request, and nothing that could be read as another."""

from dataclasses import fields, replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commons.signing import SignedRequest

REQUEST = SignedRequest("a1", "POST", "/api/v1/agent/sync?x=1", b'{"boot":"b"}', 1_772_366_400, "n")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_the_signed_text_is_one_field_a_line() -> None:
    assert REQUEST.text() == (
        b"cosmolocal-request-v1\n"
        b"a1\n"
        b"POST\n"
        b"/api/v1/agent/sync?x=1\n"
        b"bde6051cf450c40e3657102d5f960568baeca69867c491bad5b8160cafac6c94\n"
        b"1772366400\n"
        b"n"
    )


OTHER = {"agent_id": "a2", "method": "PUT", "target": "/api/v1/agent/sync?x=2", "body": b"{}",
         "at": 1_772_366_401, "nonce": "m"}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in fields(SignedRequest)])
def test_a_signature_fits_no_request_that_differs_in_one_field(name: str) -> None:
    signature = KEY.sign(REQUEST.text())
    KEY.public_key().verify(signature, REQUEST.text())
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(signature, replace(REQUEST, **{name: OTHER[name]}).text())


def test_the_method_is_the_same_in_either_case() -> None:
    assert replace(REQUEST, method="post").text() == REQUEST.text()
