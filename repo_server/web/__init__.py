"""HTML for people: routes parse, call one use-case, render. No select here, no SQL, no rule."""

from flask import Blueprint

from repo_server.web import (
    catalogue,
    cities,
    comparisons,
    designs,
    drafts,
    frame,
    labs,
    licences,
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
    comparisons.bp,
    orders.bp,
    licences.bp,
    labs.bp,
    programs.bp,
    manage.bp,
    cities.bp,
    things.bp,
    people.bp,
)
