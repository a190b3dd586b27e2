"""HTML for people: routes parse, call one use-case, render. No select here, no SQL, no rule."""

from flask import Blueprint

from repo_server.web import (
    api,
    assemblies,
    builds,
    catalogue,
    cities,
    comparisons,
    contributions,
    designs,
    drafts,
    frame,
    imports,
    labs,
    licences,
    lineage,
    manage,
    orders,
    people,
    programs,
    things,
    webhooks,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    frame.bp,
    catalogue.bp,
    designs.bp,
    drafts.bp,
    imports.bp,
    comparisons.bp,
    contributions.bp,
    builds.bp,
    assemblies.bp,
    lineage.bp,
    orders.bp,
    licences.bp,
    labs.bp,
    programs.bp,
    manage.bp,
    cities.bp,
    things.bp,
    people.bp,
    api.bp,
    webhooks.bp,
)
