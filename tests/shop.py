"""A lab over HTTP: its people, and an agent that signs with a key of its own."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from werkzeug.test import TestResponse

from commons.content import content_id
from commons.machine import MachineProfile
from commons.signing import (
    AGENT_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
)
from repo_server import designs, labs
from repo_server.people import Person
from repo_server.submissions import Upload
from repo_server.tables import BlobRow, DesignRow, ParentRow, ReleaseRow
from repo_server.tables.people import LabRole
from tests.floor import FILES, MANIFEST, PROGRAM, Floor, furnish

API = "/api/v1"


class Someone(Protocol):
    """A signed-in person of the component tests."""

    id: str
    handle: str

    def get(self, path: str, **more: object) -> TestResponse: ...

    def post(self, path: str, json: object | None = None, **more: object) -> TestResponse: ...

    def send(self, method: str, path: str, **more: object) -> TestResponse: ...


@dataclass
class HttpAgent:
    """An agent with one journal. What it sends is signed as the wire asks."""

    app: Flask
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    agent_id: str = ""
    machines: dict[str, str] = field(default_factory=dict)
    boot: str = "journal-1"
    seq: int = 0

    @property
    def public_key(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def enrol(self, code: str, *profiles: MachineProfile) -> TestResponse:
        body = {
            "code": code,
            "name": "agent",
            "public_key": self.public_key,
            "machines": [profile.model_dump(mode="json") for profile in profiles],
        }
        answer = self.app.test_client().post(f"{API}/enrolments", json=body)
        if answer.status_code == 201:
            self.agent_id = answer.json["agent_id"]
            self.machines = {m["name"]: m["machine_id"] for m in answer.json["machines"]}
        return answer

    def signed(
        self, target: str, body: bytes, *, at: int | None = None, method: str = "POST"
    ) -> dict[str, str]:
        request = SignedRequest(
            self.agent_id, method, target, body, at or int(time.time()), secrets.token_hex(16)
        )
        return {
            AGENT_HEADER: request.agent_id,
            TIME_HEADER: str(request.at),
            NONCE_HEADER: request.nonce,
            SIGNATURE_HEADER: self.key.sign(request.text()).hex(),
        }

    def post(self, path: str, message: dict[str, object], *, method: str = "POST") -> TestResponse:
        body = json.dumps(message).encode()
        headers = self.signed(API + path, body, method=method)
        client = self.app.test_client()
        return client.open(API + path, method=method, data=body, headers=headers)

    def lease(self, machine: str = "Printer") -> TestResponse:
        return self.post("/agent/leases", {"machine_id": self.machines[machine]})

    def arm(self, offer: dict[str, object], sha256: str = PROGRAM.sha256) -> TestResponse:
        ask = {key: offer[key] for key in ("attempt_id", "fence")}
        return self.post("/agent/permits", ask | {"program_sha256": sha256})

    def event(self, kind: str, offer: dict[str, object], **facts: object) -> dict[str, object]:
        self.seq += 1
        return {
            "seq": self.seq,
            "at": "2026-03-01T12:00:00Z",
            "kind": kind,
            **{key: offer[key] for key in ("machine_id", "attempt_id", "fence")},
            **facts,
        }

    def sync(self, *events: dict[str, object], **more: object) -> TestResponse:
        return self.post("/agent/sync", {"boot": self.boot, "events": events, **more})

    def tell(self, kind: str, offer: dict[str, object], **facts: object) -> TestResponse:
        return self.sync(self.event(kind, offer, **facts))

    def staged(self, machine: str = "Printer") -> dict[str, object]:
        offer: dict[str, object] = self.lease(machine).json
        self.tell("staged", offer, program=PROGRAM.model_dump(mode="json"))
        return offer


@dataclass
class Shop:
    """The lab `corner` in the city `hamburg`: a manager, a member, a stranger, and an agent."""

    admin: Someone
    manager: Someone
    member: Someone
    stranger: Someone
    agent: HttpAgent
    floor: Floor

    @property
    def release_id(self) -> str:
        return self.floor.release_id

    def at_lab(self, path: str) -> str:
        return f"{API}/labs/corner{path}"

    def relicense(self, licence: str, *, repo: str = "https://example.org/hook") -> str:
        """A newer release of the shelf hook under another licence; orders ask for this one."""
        text = MANIFEST.replace(b"CERN-OHL-S-2.0", licence.encode())
        text = text.replace(b"1.0.0", b"2.0.0")
        text = text.replace(b"https://example.org/hook", repo.encode())
        files = {path: content_id(path.encode()) for path in FILES}
        by = Person(self.manager.id, "manu", "Manu", is_admin=False)
        with self.floor.session() as session:
            session.add(BlobRow(sha256=content_id(text), size=len(text), stored_at=self.floor.now))
            session.flush()
            self.floor.release_id, _ = designs.publish_release(
                session,
                Upload("shelf-hook", text, files),
                by=by,
                design_id="design-1",
                now=self.floor.now + timedelta(minutes=1),
            )
        return self.floor.release_id

    def made_from(self, licence: str, *, of: str = "rack", name: str = "Rack") -> str:
        """The hook was made from a design of the stranger's under this licence; its release."""
        parent_id = content_id(f"{of} {licence}".encode())
        with self.floor.session() as session:
            hook = session.get_one(ReleaseRow, self.release_id)
            row = DesignRow(id=of, slug=of, steward_id=self.stranger.id, created_at=self.floor.now)
            session.add(row)
            session.flush()
            same = hook.model_dump() | {"id": parent_id, "design_id": of, "name": name}
            session.add(ReleaseRow(**same | {"license": licence}))
            session.flush()
            session.add(ParentRow(release_id=hook.id, parent_id=parent_id))
        return parent_id

    def code(self) -> str:
        answer = self.manager.post(self.at_lab("/enrolment-codes"))
        assert answer.status_code == 201, answer.text
        return answer.json["code"]

    def load(self, machine: str, **lot: object) -> TestResponse:
        made = self.manager.post(self.at_lab("/lots"), {"name": "a lot", **lot})
        assert made.status_code == 201, made.text
        path = f"/machines/{self.agent.machines[machine]}/lot"
        return self.manager.post(self.at_lab(path), {"lot_id": made.json["id"]})

    def order(self, part: str = "hook", *, key: str | None = None, **more: object) -> TestResponse:
        wanted = {"release_id": self.release_id, "part": part, **more}
        headers = {"Idempotency-Key": key} if key else {}
        return self.member.post(self.at_lab("/orders"), wanted, headers=headers)

    def clear(self, machine: str = "Printer") -> TestResponse:
        return self.manager.post(self.at_lab(f"/machines/{self.agent.machines[machine]}/clear"))

    def decide(self, job_id: object, act: str, **more: object) -> TestResponse:
        return self.manager.post(self.at_lab(f"/jobs/{job_id}/{act}"), more)

    def job(self, job_id: object) -> dict[str, object]:
        return self.member.get(f"{API}/jobs/{job_id}").json


def open_shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    """A city, a lab with a printer and a router, material on both, and a published design."""
    admin = sign_up("admin", admin=True)
    manager, member, stranger = sign_up("manu"), sign_up("mem"), sign_up("stranger")
    agent = HttpAgent(app)
    floor = furnish(
        app.extensions["engine"],
        manager=Person(manager.id, "manu", "Manu", is_admin=False),
        public_key=agent.public_key,
    )
    agent.agent_id, agent.machines = floor.agent_id, floor.machines
    with floor.session() as session:
        labs.set_role(session, lab_id=floor.lab_id, handle="mem", role=LabRole.MEMBER)
    return Shop(admin, manager, member, stranger, agent, floor)
