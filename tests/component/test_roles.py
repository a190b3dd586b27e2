"""Who may use which route: all of them, walked by everybody. What is not listed here fails."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from commons.signing import (
    AGENT_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
)
from repo_server import close_app, create_app, web
from repo_server.api import auth
from repo_server.db import transaction
from repo_server.ids import new_id, new_secret
from repo_server.people import Scope, open_session
from repo_server.settings import Settings
from repo_server.tables import AgentRow, CityRow, LabRoleRow, LabRow, ProgramRightRow
from repo_server.tables.people import LabRole

API = "/api/v1"
ROUTES = {
    "everybody": """
        GET /labs/<lab>/ask
        POST /labs/<lab>/ask
        GET /releases/<id>/ask
        GET /requests/<id>/<token>
        POST /requests/<id>/<token>/withdraw
        GET /requests/<id>/confirm/<token>
        POST /requests/<id>/confirm/<token>
        GET /api/v1/labs/<lab>/guest-desk
        POST /api/v1/labs/<lab>/requests
        GET /api/v1/requests/<request_id>/<token>
        POST /api/v1/requests/<request_id>/<token>/withdraw
        GET /api/v1/labs/<lab>/prices
        GET /people/<person_id>/<token>/news.atom
        GET /cities
        GET /map
        GET /earth.svg
        GET /labs/<lab>/about
        GET /api/v1/labs/<lab>
        GET /api/v1/designs/<slug>/releases
        GET /people
        GET /people/<handle>
        GET /journal
        GET /journal/<id>
        GET /journal/feed.atom
        GET /api/v1/posts
        GET /api/v1/posts/<post_id>
        GET /api/v1/people
        GET /api/v1/people/<handle>
        GET /api
        GET /api/v1/labs/<lab>/okw
        GET /api/v1/openapi.json
        GET /api/v1/releases/<id>/manifest
        GET /import
        GET /
        GET /cities/<city>
        GET /compare
        GET /designs/<slug>/contributions
        GET /api/v1/designs/<slug>/contributions
        GET /designs/<slug>/builds
        GET /api/v1/builds/<build_id>/photo
        GET /api/v1/designs/<slug>/builds
        GET /releases/<id>/bom
        GET /releases/<id>/making
        GET /api/v1/releases/<id>/bom
        GET /api/v1/releases/<id>/repairs
        GET /designs/<slug>/lineage
        GET /labs/<lab>/notices
        GET /api/v1/designs/<slug>/lineage
        GET /api/v1/designs/<slug>/notices
        GET /api/v1/designs/<slug>/proposals
        GET /api/v1/labs/<lab>/notices
        GET /releases/<before>/changes/<after>
        GET /api/v1/releases/<before>/changes/<after>
        GET /designs/<slug>
        GET /designs/<slug>/feed.atom
        GET /designs/<slug>/okh.toml
        GET /feed.atom
        GET /tags/<tag>/feed.atom
        GET /.well-known/okh-manifests.json
        GET /designs/<slug>/licence
        GET /labs
        GET /labs/<lab>
        GET /labs/<lab>/wall
        GET /publish
        GET /releases/<id>
        GET /sign-in
        POST /language
        POST /sign-in
        GET /sign-up
        POST /sign-up
        GET /static/<path:filename>
        GET /things/<attempt_id>
        GET /api/v1/blobs/<sha256>
        GET /api/v1/cities/<city>/context
        GET /api/v1/coalitions/<coalition>
        GET /api/v1/coalitions/<coalition>/figures
        GET /api/v1/cities/<city>/figures
        GET /api/v1/cities/<city>/figures.csv
        GET /api/v1/travels
        GET /api/v1/travels.csv
        GET /api/v1/designs
        GET /api/v1/designs/<slug>
        GET /api/v1/designs/<slug>/licence
        POST /api/v1/enrolments
        GET /api/v1/healthz
        GET /api/v1/labs
        GET /api/v1/labs/<lab>/board
        GET /api/v1/labs/<lab>/events
        GET /api/v1/labs/<lab>/lots
        GET /labs/<lab>/utilisation
        GET /api/v1/labs/<lab>/rules
        GET /api/v1/labs/<lab>/utilisation
        GET /api/v1/labs/<lab>/utilisation.csv
        GET /api/v1/labs/<lab>/wall
        GET /api/v1/labs/<lab>/wall/events
        POST /api/v1/people
        GET /api/v1/releases/<id>
        POST /api/v1/session
        GET /api/v1/things/<attempt_id>
        GET /labs/<lab>/bookings.ics
        GET /labs/<lab>/machines/<id>/bookings.ics
        GET /calendars/<secret>.ics
    """,
    "people": """
        GET /me/labs
        POST /me/calendar
        POST /me/calendar/stop
        GET /api/v1/me/trainings
        GET /api/v1/me/bookings
        POST /api/v1/me/calendar
        DELETE /api/v1/me/calendar
        GET /me/account
        GET /me/news
        POST /me/news
        POST /me/news/feed
        GET /api/v1/me/news
        PUT /api/v1/me/news/choice
        POST /me/orders/<order_id>/open-price
        POST /orders/estimate
        POST /api/v1/orders/<order_id>/open-price
        GET /api/v1/me/account
        GET /api/v1/me/account-entries
        GET /api/v1/me/account-entries.csv
        GET /api/v1/orders
        POST /sets
        GET /sets/<id>
        POST /sets/<id>/cancel
        GET /api/v1/sets/<set_id>
        POST /api/v1/sets/<set_id>/cancel
        GET /api/v1/jobs/<job_id>/changes
        GET /api/v1/jobs/<job_id>/turn
        POST /designs/<slug>/notices/dismiss
        POST /api/v1/designs/<slug>/notices/dismiss
        GET /me/profile
        POST /me/profile
        GET /api/v1/me/profile
        PUT /api/v1/me/profile
        GET /journal/new
        POST /journal/new
        GET /journal/<id>/edit
        POST /journal/<id>/edit
        POST /journal/<id>/publish
        POST /journal/<id>/withdraw
        GET /api/v1/me/posts
        POST /api/v1/posts
        PUT /api/v1/posts/<post_id>
        POST /api/v1/posts/<post_id>/publish
        POST /api/v1/posts/<post_id>/withdraw
        DELETE /api/v1/webhooks/<webhook_id>
        GET /api/v1/webhooks
        GET /api/v1/webhooks/<webhook_id>
        GET /api/v1/webhooks/<webhook_id>/deliveries
        GET /drafts/<draft_id>/questions
        GET /webhooks
        GET /me/notices
        POST /mailings/<id>/sent
        POST /uploads/<sha256>/delete
        GET /api/v1/me/notices
        GET /api/v1/designs/<slug>/mailings
        POST /api/v1/mailings/<id>/sent
        POST /api/v1/designs/<slug>/imports/archive
        POST /api/v1/designs/<slug>/imports/url
        POST /api/v1/webhooks
        POST /api/v1/webhooks/<webhook_id>/test
        POST /drafts/<draft_id>/questions
        POST /import
        POST /webhooks
        POST /webhooks/<id>/on
        POST /webhooks/<id>/remove
        POST /webhooks/<id>/test
        PUT /api/v1/webhooks/<webhook_id>
        POST /designs/<slug>/contributions
        POST /designs/<slug>/contributions/<id>/confirm
        POST /designs/<slug>/contributions/<id>/withdraw
        POST /api/v1/releases/<id>/contributions
        POST /api/v1/contributions/<contribution_id>/confirm
        DELETE /api/v1/contributions/<contribution_id>
        GET /releases/<id>/fork
        POST /designs/<slug>/proposals
        POST /designs/<slug>/proposals/<id>/accept
        POST /designs/<slug>/proposals/<id>/decline
        POST /releases/<id>/fork
        POST /api/v1/designs/<slug>/proposals
        POST /api/v1/proposals/<proposal_id>/accept
        POST /api/v1/proposals/<proposal_id>/decline
        POST /api/v1/releases/<id>/fork
        GET /drafts
        GET /drafts/<draft_id>
        POST /drafts/<draft_id>
        POST /drafts/<draft_id>/discard
        POST /drafts/<draft_id>/editors
        POST /drafts/<draft_id>/publish
        POST /releases/<id>/draft
        POST /releases/<id>/repairs
        POST /releases/<id>/repairs/draft
        POST /api/v1/releases/<id>/repairs
        POST /api/v1/releases/<id>/repairs/draft
        POST /releases/<id>/yank
        GET /api/v1/drafts
        POST /api/v1/drafts
        GET /api/v1/drafts/<draft_id>
        PUT /api/v1/drafts/<draft_id>
        DELETE /api/v1/drafts/<draft_id>
        POST /api/v1/drafts/<draft_id>/editors
        POST /api/v1/drafts/<draft_id>/release
        POST /api/v1/releases/<id>/yank
        GET /attempts/<attempt_id>/toolpath.svg
        POST /designs/<slug>/grants
        POST /designs/<slug>/grants/<id>/revoke
        GET /labs/<lab>/jobs/<id>
        GET /labs/new
        POST /labs/new
        GET /me/facts
        POST /me/facts
        POST /orders
        POST /publish
        POST /sign-out
        GET /waiting-orders/<id>
        POST /waiting-orders/<id>/<word>
        POST /api/v1/blobs
        POST /api/v1/blobs/missing
        PUT /api/v1/blobs/<sha256>
        POST /api/v1/designs/<slug>/releases
        GET /api/v1/designs/<slug>/grants
        POST /api/v1/designs/<slug>/grants
        POST /api/v1/designs/<slug>/grants/<grant_id>/revoke
        GET /api/v1/designs/<slug>/waiting-orders
        GET /api/v1/attempts/<attempt_id>/photo
        GET /api/v1/attempts/<attempt_id>/program
        GET /api/v1/attempts/<attempt_id>/start
        GET /api/v1/jobs/<job_id>
        GET /api/v1/jobs/<job_id>/papers/<name>
        POST /api/v1/labs
        GET /api/v1/me
        GET /api/v1/me/facts
        PUT /api/v1/me/facts
        GET /api/v1/orders/<order_id>
        DELETE /api/v1/session
        POST /api/v1/tokens
        GET /api/v1/waiting-orders/<id>
        POST /api/v1/waiting-orders/<id>/accept
        POST /api/v1/waiting-orders/<id>/decline
        POST /api/v1/waiting-orders/<id>/quote
        POST /api/v1/waiting-orders/<id>/withdraw
        GET /api/v1/uploads
        POST /api/v1/uploads
        DELETE /api/v1/uploads/<sha256>
        GET /api/v1/uploads/<sha256>
        PATCH /api/v1/uploads/<sha256>
    """,
    "members": """
        GET /labs/<lab>/bookings
        POST /labs/<lab>/bookings
        POST /labs/<lab>/bookings/<id>/cancel
        POST /labs/<lab>/bookings/<id>/here
        GET /labs/<lab>/people
        POST /labs/<lab>/people/trainings
        POST /labs/<lab>/people/trainings/<id>/revoke
        GET /api/v1/labs/<lab>/bookings
        POST /api/v1/labs/<lab>/bookings
        POST /api/v1/labs/<lab>/bookings/<booking_id>/cancel
        POST /api/v1/labs/<lab>/bookings/<booking_id>/here
        GET /api/v1/labs/<lab>/booking-rules
        GET /api/v1/labs/<lab>/economic-events
        POST /api/v1/labs/<lab>/economic-events
        GET /api/v1/labs/<lab>/training-classes
        POST /api/v1/labs/<lab>/training-classes/<class_id>/trainings
        POST /api/v1/labs/<lab>/trainings/<training_id>/revoke
        POST /api/v1/labs/<lab>/estimates
        GET /labs/<lab>/machines/<id>
        GET /api/v1/labs/<lab>/machines/<machine_id>
        GET /api/v1/labs/<lab>/jobs
        GET /api/v1/labs/<lab>/orders
        POST /api/v1/labs/<lab>/sets
        GET /api/v1/labs/<lab>/facts
        GET /labs/<lab>/lots
        GET /labs/<lab>/lots/<id>
        GET /api/v1/labs/<lab>/lots/<lot_id>
        GET /api/v1/labs/<lab>/lots/<lot_id>/papers/<name>
        GET /labs/<lab>/builds/new
        POST /labs/<lab>/builds
        POST /api/v1/labs/<lab>/builds
        PUT /api/v1/labs/<lab>/builds/<build_id>/photo
        POST /labs/<lab>/jobs/<id>/cancel
        POST /api/v1/labs/<lab>/jobs/<job_id>/cancel
        POST /api/v1/labs/<lab>/orders
        GET /labs/<lab>/programs
        POST /labs/<lab>/programs
        POST /api/v1/labs/<lab>/programs
    """,
    "operators": """
        GET /labs/<lab>/requests
        POST /labs/<lab>/requests/<id>/approve
        POST /labs/<lab>/requests/<id>/decline
        GET /api/v1/labs/<lab>/requests
        POST /api/v1/labs/<lab>/requests/<request_id>/approve
        POST /api/v1/labs/<lab>/requests/<request_id>/decline
        POST /api/v1/labs/<lab>/economic-events/<event_id>/correct
        GET /api/v1/labs/<lab>/trainings
        GET /labs/<lab>/money
        POST /labs/<lab>/money/payments
        GET /api/v1/labs/<lab>/quotas
        GET /api/v1/labs/<lab>/balances
        GET /api/v1/labs/<lab>/account-entries
        GET /api/v1/labs/<lab>/account-entries.csv
        POST /api/v1/labs/<lab>/payments
        POST /labs/<lab>/machines/<id>/maintenance/<task>/done
        POST /labs/<lab>/machines/<id>/downtimes
        POST /labs/<lab>/machines/<id>/downtimes/<downtime>/end
        POST /labs/<lab>/machines/<id>/calibrations
        POST /api/v1/labs/<lab>/machines/<machine_id>/maintenance/<task_id>/done
        POST /api/v1/labs/<lab>/machines/<machine_id>/downtimes
        POST /api/v1/labs/<lab>/machines/<machine_id>/downtimes/<downtime_id>/end
        POST /api/v1/labs/<lab>/machines/<machine_id>/calibrations
        GET /labs/<lab>/queue
        POST /labs/<lab>/queue/<id>/<wish>
        POST /api/v1/labs/<lab>/jobs/<job_id>/move
        POST /api/v1/labs/<lab>/jobs/<job_id>/pin
        POST /api/v1/labs/<lab>/jobs/<job_id>/split
        POST /api/v1/labs/<lab>/jobs/<job_id>/after
        POST /api/v1/labs/<lab>/jobs/<job_id>/go_on
        POST /labs/<lab>/notices/dismiss
        POST /api/v1/labs/<lab>/notices/dismiss
        POST /labs/<lab>/jobs/<id>/<wish>
        POST /labs/<lab>/machines/<id>/clear
        POST /labs/<lab>/machines/<id>/lot
        POST /api/v1/labs/<lab>/jobs/<job_id>/again
        POST /api/v1/labs/<lab>/jobs/<job_id>/attest
        POST /api/v1/labs/<lab>/jobs/<job_id>/hold
        POST /api/v1/labs/<lab>/jobs/<job_id>/park
        POST /api/v1/labs/<lab>/jobs/<job_id>/resume
        POST /api/v1/labs/<lab>/jobs/<job_id>/unpark
        POST /api/v1/labs/<lab>/jobs/<job_id>/verdict
        POST /api/v1/labs/<lab>/machines/<machine_id>/clear
        POST /api/v1/labs/<lab>/machines/<machine_id>/lot
        POST /api/v1/labs/<lab>/machines/<machine_id>/next-lot
        POST /labs/<lab>/lots/<id>/<act>
        POST /api/v1/labs/<lab>/lots/<lot_id>/archive
        POST /api/v1/labs/<lab>/lots/<lot_id>/offcuts
        POST /api/v1/labs/<lab>/lots/<lot_id>/restore
        POST /api/v1/labs/<lab>/lots/<lot_id>/weighings
    """,
    "managers": """
        POST /labs/<lab>/requests/desk
        PUT /api/v1/labs/<lab>/guest-desk
        POST /labs/<lab>/bookings/rules
        POST /labs/<lab>/calendars
        POST /labs/<lab>/calendars/<id>/remove
        POST /labs/<lab>/people/classes
        PUT /api/v1/labs/<lab>/booking-rules
        PUT /api/v1/labs/<lab>/training-classes
        GET /api/v1/labs/<lab>/calendars
        POST /api/v1/labs/<lab>/calendars
        DELETE /api/v1/labs/<lab>/calendars/<calendar_id>
        PUT /api/v1/labs/<lab>/calendars/<calendar_id>/events
        POST /labs/<lab>/money/prices
        POST /labs/<lab>/money/quotas
        POST /labs/<lab>/money/entries/<id>/take-back
        PUT /api/v1/labs/<lab>/prices
        PUT /api/v1/labs/<lab>/quotas
        POST /api/v1/labs/<lab>/account-entries/<entry_id>/take-back
        GET /labs/<lab>/manage/rules
        POST /labs/<lab>/manage/rules
        POST /labs/<lab>/machines/<id>/rules
        POST /labs/<lab>/machines/<id>/counters
        POST /labs/<lab>/machines/<id>/maintenance
        POST /labs/<lab>/machines/<id>/maintenance/<task>/drop
        PUT /api/v1/labs/<lab>/rules
        PUT /api/v1/labs/<lab>/machines/<machine_id>/rules
        PUT /api/v1/labs/<lab>/machines/<machine_id>/counters
        POST /api/v1/labs/<lab>/machines/<machine_id>/maintenance
        DELETE /api/v1/labs/<lab>/machines/<machine_id>/maintenance/<task_id>
        POST /labs/<lab>/manage/machines/<id>/retire
        POST /labs/<lab>/manage/machines/<id>/return
        POST /api/v1/labs/<lab>/machines/<machine_id>/retire
        POST /api/v1/labs/<lab>/machines/<machine_id>/return
        GET /labs/<lab>/manage/okw
        POST /labs/<lab>/manage/okw
        GET /api/v1/labs/<lab>/webhooks
        GET /labs/<lab>/webhooks
        POST /api/v1/labs/<lab>/webhooks
        POST /labs/<lab>/webhooks
        PUT /api/v1/labs/<lab>/okw
        GET /labs/<lab>/facts
        POST /labs/<lab>/facts
        GET /labs/<lab>/manage
        POST /labs/<lab>/manage/agents/<id>/revoke
        POST /labs/<lab>/manage/code
        POST /labs/<lab>/lots
        POST /labs/<lab>/lots/<id>/facts
        POST /labs/<lab>/manage/machines/<id>/lot
        POST /labs/<lab>/manage/members
        POST /labs/<lab>/manage/place
        PUT /api/v1/labs/<lab>/facts
        GET /api/v1/labs/<lab>/agents
        POST /api/v1/labs/<lab>/agents/<agent_id>/revoke
        POST /api/v1/labs/<lab>/enrolment-codes
        POST /api/v1/labs/<lab>/lots
        POST /api/v1/labs/<lab>/lots/<lot_id>/corrections
        GET /api/v1/labs/<lab>/members
        POST /api/v1/labs/<lab>/members
        PUT /api/v1/labs/<lab>/place
        POST /labs/<lab>/programs/rights
        GET /api/v1/labs/<lab>/programmers
        PUT /api/v1/labs/<lab>/programmers/<handle>
        DELETE /api/v1/labs/<lab>/programmers/<handle>
    """,
    "admins": """
        POST /api/v1/cities
        POST /api/v1/cities/<city>/editors
        POST /api/v1/cities/<city>/pledge
        PUT /api/v1/cities/<city>/statistics
        PUT /api/v1/cities/<city>/boundary
        POST /api/v1/coalitions
        PUT /api/v1/coalitions/<coalition>/cities/<city>
        PUT /api/v1/coalitions/<coalition>/parts/<part>
    """,
    "agents": """
        POST /api/v1/agent/leases
        PUT /api/v1/agent/attempts/<attempt_id>/program
        PUT /api/v1/agent/attempts/<attempt_id>/toolpath
        PUT /api/v1/agent/machines/<machine_id>/profile
        POST /api/v1/agent/permits
        POST /api/v1/agent/programs
        GET /api/v1/agent/programs/<sha256>
        POST /api/v1/agent/sync
        POST /api/v1/agent/verdicts
        GET /api/v1/agent/board
        GET /api/v1/agent/local-builds
    """,
}
# Which groups of routes each of them may use. A lab is no admin's, and no agent is a person.
MAY = {
    "nobody": {"everybody"},
    "stranger": {"everybody", "people"},
    "member": {"everybody", "people", "members"},
    "operator": {"everybody", "people", "members", "operators"},
    "manager": {"everybody", "people", "members", "operators", "managers"},
    "admin": {"everybody", "people", "admins"},
    "agent": {"everybody", "agents"},
    "revoked agent": {"everybody"},
}
LAB_ROLES = {"member": LabRole.MEMBER, "operator": LabRole.OPERATOR, "manager": LabRole.MANAGER}
# A token of a manager's: routes that it may use when it has this scope alone.
SCOPES_OF = {
    "POST /me/calendar": Scope.PROFILE_WRITE,
    "POST /me/calendar/stop": Scope.PROFILE_WRITE,
    "POST /api/v1/me/calendar": Scope.PROFILE_WRITE,
    "DELETE /api/v1/me/calendar": Scope.PROFILE_WRITE,
    "POST /me/news": Scope.PROFILE_WRITE,
    "POST /me/news/feed": Scope.PROFILE_WRITE,
    "PUT /api/v1/me/news/choice": Scope.PROFILE_WRITE,
    "POST /me/orders/<order_id>/open-price": Scope.ORDER_WRITE,
    "POST /orders/estimate": Scope.ORDER_WRITE,
    "POST /api/v1/orders/<order_id>/open-price": Scope.ORDER_WRITE,
    "POST /designs/<slug>/notices/dismiss": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/notices/dismiss": Scope.DESIGN_WRITE,
    "POST /me/profile": Scope.PROFILE_WRITE,
    "PUT /api/v1/me/profile": Scope.PROFILE_WRITE,
    "POST /journal/new": Scope.POST_WRITE,
    "POST /journal/<id>/edit": Scope.POST_WRITE,
    "POST /journal/<id>/publish": Scope.POST_WRITE,
    "POST /journal/<id>/withdraw": Scope.POST_WRITE,
    "POST /api/v1/posts": Scope.POST_WRITE,
    "PUT /api/v1/posts/<post_id>": Scope.POST_WRITE,
    "POST /api/v1/posts/<post_id>/publish": Scope.POST_WRITE,
    "POST /api/v1/posts/<post_id>/withdraw": Scope.POST_WRITE,
    "POST /api/v1/designs/<slug>/imports/archive": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/imports/url": Scope.DESIGN_WRITE,
    "POST /drafts/<draft_id>/questions": Scope.DESIGN_WRITE,
    "POST /import": Scope.DESIGN_WRITE,
    "DELETE /api/v1/webhooks/<webhook_id>": Scope.WEBHOOK_WRITE,
    "POST /api/v1/webhooks": Scope.WEBHOOK_WRITE,
    "POST /api/v1/webhooks/<webhook_id>/test": Scope.WEBHOOK_WRITE,
    "POST /webhooks": Scope.WEBHOOK_WRITE,
    "POST /webhooks/<id>/on": Scope.WEBHOOK_WRITE,
    "POST /webhooks/<id>/remove": Scope.WEBHOOK_WRITE,
    "POST /webhooks/<id>/test": Scope.WEBHOOK_WRITE,
    "PUT /api/v1/webhooks/<webhook_id>": Scope.WEBHOOK_WRITE,
    "POST /designs/<slug>/contributions": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/contributions/<id>/confirm": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/contributions/<id>/withdraw": Scope.DESIGN_WRITE,
    "POST /api/v1/releases/<id>/contributions": Scope.DESIGN_WRITE,
    "POST /api/v1/contributions/<contribution_id>/confirm": Scope.DESIGN_WRITE,
    "DELETE /api/v1/contributions/<contribution_id>": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/proposals": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/proposals/<id>/accept": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/proposals/<id>/decline": Scope.DESIGN_WRITE,
    "POST /releases/<id>/fork": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/proposals": Scope.DESIGN_WRITE,
    "POST /api/v1/proposals/<proposal_id>/accept": Scope.DESIGN_WRITE,
    "POST /api/v1/proposals/<proposal_id>/decline": Scope.DESIGN_WRITE,
    "POST /api/v1/releases/<id>/fork": Scope.DESIGN_WRITE,
    "POST /drafts/<draft_id>": Scope.DESIGN_WRITE,
    "POST /drafts/<draft_id>/discard": Scope.DESIGN_WRITE,
    "POST /drafts/<draft_id>/editors": Scope.DESIGN_WRITE,
    "POST /drafts/<draft_id>/publish": Scope.DESIGN_WRITE,
    "POST /releases/<id>/draft": Scope.DESIGN_WRITE,
    "POST /releases/<id>/repairs": Scope.DESIGN_WRITE,
    "POST /releases/<id>/repairs/draft": Scope.DESIGN_WRITE,
    "POST /api/v1/releases/<id>/repairs": Scope.DESIGN_WRITE,
    "POST /api/v1/releases/<id>/repairs/draft": Scope.DESIGN_WRITE,
    "POST /releases/<id>/yank": Scope.DESIGN_WRITE,
    "POST /api/v1/drafts": Scope.DESIGN_WRITE,
    "PUT /api/v1/drafts/<draft_id>": Scope.DESIGN_WRITE,
    "DELETE /api/v1/drafts/<draft_id>": Scope.DESIGN_WRITE,
    "POST /api/v1/drafts/<draft_id>/editors": Scope.DESIGN_WRITE,
    "POST /api/v1/drafts/<draft_id>/release": Scope.DESIGN_WRITE,
    "POST /api/v1/releases/<id>/yank": Scope.DESIGN_WRITE,
    "POST /api/v1/blobs": Scope.DESIGN_WRITE,
    "POST /api/v1/blobs/missing": Scope.DESIGN_WRITE,
    "PUT /api/v1/blobs/<sha256>": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/releases": Scope.DESIGN_WRITE,
    "POST /publish": Scope.DESIGN_WRITE,
    "POST /api/v1/uploads": Scope.DESIGN_WRITE,
    "DELETE /api/v1/uploads/<sha256>": Scope.DESIGN_WRITE,
    "PATCH /api/v1/uploads/<sha256>": Scope.DESIGN_WRITE,
    "POST /orders": Scope.ORDER_WRITE,
    "POST /sets": Scope.ORDER_WRITE,
    "POST /sets/<id>/cancel": Scope.ORDER_WRITE,
    "POST /api/v1/sets/<set_id>/cancel": Scope.ORDER_WRITE,
    "POST /labs/new": Scope.LAB_MANAGE,
    "POST /api/v1/labs": Scope.LAB_MANAGE,
    "POST /mailings/<id>/sent": Scope.DESIGN_WRITE,
    "POST /uploads/<sha256>/delete": Scope.DESIGN_WRITE,
    "POST /api/v1/mailings/<id>/sent": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/grants": Scope.DESIGN_WRITE,
    "POST /designs/<slug>/grants/<id>/revoke": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/grants": Scope.DESIGN_WRITE,
    "POST /api/v1/designs/<slug>/grants/<grant_id>/revoke": Scope.DESIGN_WRITE,
    "POST /api/v1/waiting-orders/<id>/decline": Scope.DESIGN_WRITE,
    "POST /api/v1/waiting-orders/<id>/quote": Scope.DESIGN_WRITE,
    "POST /api/v1/waiting-orders/<id>/accept": Scope.ORDER_WRITE,
    "POST /api/v1/waiting-orders/<id>/withdraw": Scope.ORDER_WRITE,
    "POST /waiting-orders/<id>/<word>": Scope.ORDER_WRITE,
    "POST /me/facts": Scope.ORDER_WRITE,
    "PUT /api/v1/me/facts": Scope.ORDER_WRITE,
}
NO_TOKEN = {"POST /sign-out", "DELETE /api/v1/session", "POST /api/v1/tokens"}
SCOPE_OF_GROUP = {
    "members": Scope.ORDER_WRITE,
    "operators": Scope.LAB_OPERATE,
    "managers": Scope.LAB_MANAGE,
}

# What a page's form is sent with: signing in is refused for a wrong password, not for a role.
FORM = {"handle": "stranger", "password": "correct horse battery staple"}

Ask = Callable[[str, str], int]


def group_of(route: str) -> str:
    return next(group for group, routes in ROUTES.items() if route in lines(routes))


def lines(routes: str) -> set[str]:
    return {line.strip() for line in routes.strip().splitlines()}


ALL = sorted(set().union(*(lines(routes) for routes in ROUTES.values())))


@pytest.fixture
def settings(tmp_path, sqlite_template):
    """Access does not depend on the database, so it is walked on one of them."""
    shutil.copyfile(sqlite_template, tmp_path / "cosmolocal.sqlite")
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def lab(engine):
    with transaction(engine) as session:
        session.add(CityRow(id="c", slug="bern", name="Bern", country="CH"))
        session.flush()
        session.add(LabRow(id="l", slug="werk", name="Werk", city_id="c"))
    return "l"


@pytest.fixture
def people(sign_up, engine, lab):
    """Somebody for every role, by the role's name."""
    someone = {name: sign_up(name, admin=name == "admin") for name in ("stranger", *LAB_ROLES)}
    someone["admin"] = sign_up("admin", admin=True)
    with transaction(engine) as session:
        for name, role in LAB_ROLES.items():
            id_ = someone[name].id
            session.add(LabRoleRow(person_id=id_, lab_id=lab, role=role))
            # Members may bring programs when they were given the right: here all of them were.
            session.add(ProgramRightRow(id=new_id(), lab_id=lab, person_id=id_, given_by=id_,
                                        given_at=datetime.now(UTC)))  # fmt: skip
    return someone


@pytest.fixture
def agent(engine, lab):
    """Signs requests with a key that is enrolled; revoked if told so."""

    def enrol(*, revoked: bool) -> Callable[[str, str], dict[str, str]]:
        key, id_ = Ed25519PrivateKey.generate(), new_id()
        now = datetime.now(UTC)
        with transaction(engine) as session:
            public = key.public_key().public_bytes_raw().hex()
            session.add(AgentRow(id=id_, lab_id=lab, name="a", public_key=public, enrolled_at=now,
                                 revoked_at=now if revoked else None))  # fmt: skip

        def headers(method: str, path: str) -> dict[str, str]:
            request = SignedRequest(id_, method, path, b"{}", int(time.time()), new_secret())
            return {
                AGENT_HEADER: id_,
                TIME_HEADER: str(request.at),
                NONCE_HEADER: request.nonce,
                SIGNATURE_HEADER: key.sign(request.text()).hex(),
            }

        return headers

    return enrol


def asked(app: Flask, method: str, path: str, headers: dict[str, str], **cookies: str) -> int:
    """The status of one request by a new browser; JSON to the API, a form to a page."""
    browser = app.test_client()
    for name, value in cookies.items():
        browser.set_cookie(name, value)
    body = {"json": {}} if path.startswith(API) else {"data": FORM}
    with browser.open(path, method=method, headers=headers, **body) as response:
        return response.status_code


@pytest.fixture
def asking(app, engine, people, agent) -> Callable[[str], Ask]:
    """A way to ask as each of MAY, each request with a session of its own."""
    sign = {"agent": agent(revoked=False), "revoked agent": agent(revoked=True)}

    def as_(who: str) -> Ask:
        def ask(method: str, path: str) -> int:
            if who not in people:
                headers = sign[who](method, path) if who in sign else {}
                return asked(app, method, path, headers)
            secret, csrf = new_secret(), new_secret()
            with transaction(engine) as session:
                open_session(session, person_id=people[who].id, secret=secret, csrf=csrf,
                             now=datetime.now(UTC))  # fmt: skip
            return asked(app, method, path, {auth.CSRF_HEADER: csrf}, sid=secret)

        return ask

    return as_


def address(rule: str) -> str:
    """An address of the route in the lab that there is, about things that there are not."""
    known = {"<lab>": "werk", "<city>": "bern", "<sha256>": "0" * 64, "<wish>": "hold",
             "<path:filename>": "cosmo.css"}  # fmt: skip
    parts = [known.get(part, "x" if part.startswith("<") else part) for part in rule.split("/")]
    return "/".join(parts)


def refused(status: int) -> bool:
    assert status < 500, status
    return status in (401, 403)


def test_every_route_is_listed_here_and_says_who_may(app):
    there = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert there == set(ALL)
    auth.require_marks(app)


def test_a_route_without_a_mark_stops_the_server_from_starting(settings):
    app = create_app(settings)
    auth.require_marks(app)
    app.add_url_rule("/forgotten", view_func=lambda: "hello")
    with pytest.raises(RuntimeError, match="/forgotten"):
        auth.require_marks(app)
    assert app.blueprints.keys() >= {bp.name for bp in web.BLUEPRINTS}
    close_app(app)


@pytest.mark.slow
@pytest.mark.parametrize("who", MAY)
def test_each_may_use_exactly_the_routes_of_their_roles(asking, who):
    ask = asking(who)
    let_in = {route for route in ALL if not refused(ask(*at(route)))}
    assert let_in == {route for route in ALL if group_of(route) in MAY[who]}


@pytest.mark.slow
@pytest.mark.parametrize("scope", list(Scope))
def test_a_managers_token_may_use_exactly_the_routes_of_its_scope(app, people, scope):
    bearer = {"Authorization": f"Bearer {people['manager'].token(scope)}"}
    let_in = {route for route in ALL if not refused(asked(app, *at(route), bearer))}
    assert let_in == {route for route in ALL if token_may(scope, route)}


def token_may(scope: Scope, route: str) -> bool:
    group = group_of(route)
    if group == "everybody":
        return True
    if group == "agents":  # they sign; a token of a person is none of theirs
        return False
    if route.startswith("GET "):
        return scope is Scope.READ
    if group == "people":
        return route not in NO_TOKEN and SCOPES_OF[route] is scope
    return SCOPE_OF_GROUP.get(group) is scope


@pytest.mark.slow
def test_no_cookie_alone_may_change_anything(app, engine, people):
    secret = people["manager"].browser.get_cookie("sid").value
    changing = [r for r in ALL if not r.startswith("GET") and group_of(r) != "everybody"]
    assert all(refused(asked(app, *at(route), {}, sid=secret)) for route in changing)


def at(route: str) -> tuple[str, str]:
    method, rule = route.split()
    return method, address(rule)


def test_a_signed_request_is_accepted_once(app, agent):
    headers = agent(revoked=False)("POST", f"{API}/agent/leases")
    first = asked(app, "POST", f"{API}/agent/leases", headers)
    second = asked(app, "POST", f"{API}/agent/leases", headers)
    assert (first, second) == (422, 401)  # the empty message is wrong; the second is not read


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (TIME_HEADER, "0"),
        (TIME_HEADER, "9" * 30),
        (TIME_HEADER, "soon"),
        (NONCE_HEADER, "short"),
        (NONCE_HEADER, "n" * 32),
        (SIGNATURE_HEADER, "00" * 64),
        (SIGNATURE_HEADER, "xyz"),
        (AGENT_HEADER, "nobody"),
    ],
)
def test_a_request_that_was_changed_after_signing_is_refused(app, agent, header, value):
    headers = agent(revoked=False)("POST", f"{API}/agent/leases") | {header: value}
    assert asked(app, "POST", f"{API}/agent/leases", headers) == 401


def test_a_signature_is_good_for_one_address_only(app, agent):
    headers = agent(revoked=False)("POST", f"{API}/agent/leases")
    assert asked(app, "POST", f"{API}/agent/permits", headers) == 401


def test_a_city_is_its_editors_and_the_admins(app, sign_up, people):
    editor, path = sign_up("editor"), f"{API}/cities/bern"
    assert people["manager"].post(f"{path}/editors", json={"handle": "editor"}).status_code == 403
    assert people["admin"].post(f"{path}/editors", json={"handle": "editor"}).status_code == 204
    pledge = {"pledge": "Half of what we use is made here.", "source": "https://example.org/pledge"}
    everybody = {"editor": editor, **people}
    statuses = {n: p.post(f"{path}/pledge", json=pledge).status_code for n, p in everybody.items()}
    assert {name for name, status in statuses.items() if status == 204} == {"editor", "admin"}
    assert set(statuses.values()) == {204, 403}
    assert editor.post(f"{API}/cities/nowhere/pledge", json=pledge).status_code == 404
    page = people["member"].get("/cities/bern").text
    assert "Half of what we use is made here." in page
    assert "https://example.org/pledge" in page
