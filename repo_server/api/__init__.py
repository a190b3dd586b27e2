"""JSON under /api/v1: routes authenticate, parse, call one use-case, answer. No SQL here."""

from repo_server.api import (
    agents,
    blobs,
    boards,
    cities,
    comparisons,
    designs,
    drafts,
    jobs,
    labs,
    licences,
    orders,
    papers,
    people,
    programs,
    things,
)

BLUEPRINTS = (
    people.bp,
    blobs.bp,
    designs.bp,
    drafts.bp,
    comparisons.bp,
    cities.bp,
    labs.bp,
    agents.bp,
    orders.bp,
    licences.bp,
    jobs.bp,
    papers.bp,
    boards.bp,
    programs.bp,
    things.bp,
)
