"""HTML for people: routes parse, call one use-case, render. No select here, no SQL, no rule."""

from flask import Blueprint

from repo_server.web import (
    assemblies,
    builds,
    catalogue,
    cities,
    comparisons,
    contributions,
    designs,
    drafts,
    feeds,
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
    feeds.bp,
    orders.bp,
    licences.bp,
    labs.bp,
    programs.bp,
    manage.bp,
    cities.bp,
    things.bp,
    people.bp,
)
