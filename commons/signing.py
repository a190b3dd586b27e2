"""What an agent signs with its Ed25519 key, so that no secret ever crosses the wire.

One request is one text: method, target, hash of the body, time and a nonce. The server refuses
a time further away than `MAX_SKEW_S` and a nonce that it has seen.
"""

from dataclasses import dataclass

from commons.content import content_id

MAX_SKEW_S = 300
AGENT_HEADER = "Cosmo-Agent"
TIME_HEADER = "Cosmo-Time"
NONCE_HEADER = "Cosmo-Nonce"
SIGNATURE_HEADER = "Cosmo-Signature"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that its signature covers.

    `target` is the path with its query as sent; `at` is UTC in whole seconds since 1970.
    """

    agent_id: str
    method: str
    target: str
    body: bytes
    at: int
    nonce: str

    def text(self) -> bytes:
        """The bytes that are signed: one field a line, no field may hold a line break."""
        fields = ["cosmolocal-request-v1", self.agent_id, self.method.upper(), self.target,
                  content_id(self.body), str(self.at), self.nonce]  # fmt: skip
        return "\n".join(fields).encode()
