"""What an order would take and cost, told before anybody places it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from commons.errors import Conflict
from commons.quotas import Amounts
from repo_server import heads, orders, prices, quotas, variants
from repo_server.order_requests import OrderRequest
from repo_server.prices import Estimate
from repo_server.tables import BuildOrderRow


@dataclass(frozen=True, slots=True)
class Told:
    """The estimate, and why the quota of who asks is too small for it, None when it is not."""

    estimate: Estimate
    over_quota: str | None


def told(session: Session, wanted: OrderRequest, *, lab_id: str, by: str, now: datetime) -> Told:
    """As if `by` ordered it now; nothing is kept. Raises as ordering does for what cannot be made.

    Conflict while its body is still to be drawn.
    """
    heads.require_standing(session, wanted.release_id)
    made = variants.ask(session, wanted.release_id, wanted.part, wanted.variant, now=now)
    if made.waits:
        raise Conflict("its source draws it anew with these values; the price is known after that")
    build = variants.build(session, wanted.release_id, made)
    order = BuildOrderRow(
        id="",
        lab_id=lab_id,
        release_id=wanted.release_id,
        part=wanted.part,
        copies=wanted.copies,
        material=orders.material_of(wanted.material or build.part.material, build.process),
        options=wanted.chosen(build.process).model_dump(mode="json"),
        answers=[],
        ordered_by=by,
        ordered_at=now,
        **made.kept(),
    )
    estimate = prices.estimate(session, build, order)
    need = _need(estimate, wanted.copies)
    return Told(estimate, quotas.told_to(session, need, lab_id=lab_id, by=by, now=now))


def _need(estimate: Estimate, copies: int) -> Amounts:
    """The most that it is expected to take; nothing of what is not known."""
    use, sum_ = estimate.use, estimate.sum
    return Amounts(
        prints=copies,
        grams=use.grams.high if use.grams else 0.0,
        minutes=use.minutes.high if use.minutes else 0.0,
        money=(sum_.high or 0) if sum_ else 0,
    )
