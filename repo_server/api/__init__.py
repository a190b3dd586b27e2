"""JSON under /api/v1: routes authenticate, parse, call one use-case, answer. No SQL here."""

from repo_server.api import blobs, designs, people

BLUEPRINTS = (
    people.bp,
    blobs.bp,
    designs.bp,
)
