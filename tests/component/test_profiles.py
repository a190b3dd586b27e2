"""What a machine can do is what its agent's settings say now, not what they once said."""

import pytest
from sqlmodel import select

from commons.machine import Envelope
from repo_server.tables import MachineProfileRow, MachineRow
from tests.component.test_dispatch_api import armed, ordered
from tests.profiles import printer
from tests.shop import HttpAgent, Shop, open_shop


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


def tell(shop: Shop, agent: HttpAgent, **changes: object):
    """The answer to a profile of the printer with these changes."""
    path = f"/agent/machines/{shop.agent.machines['Printer']}/profile"
    message = printer(**changes).model_dump(mode="json")
    return agent.post(path, message, method="PUT")


def profiles(shop: Shop) -> list[dict[str, object]]:
    """Everything that the printer was said to be able to do, oldest first."""
    with shop.floor.session() as session:
        of_it = select(MachineProfileRow).where(
            MachineProfileRow.machine_id == shop.agent.machines["Printer"]
        )
        rows = session.exec(of_it.order_by(MachineProfileRow.number)).all()
        return [row.profile for row in rows]


def feed(shop: Shop) -> object:
    with shop.floor.session() as session:
        row = session.get_one(MachineRow, shop.agent.machines["Printer"])
        return row.profile["max_feed_mm_s"]


def test_a_changed_profile_is_the_machines_from_then_on_and_the_old_one_is_kept(
    shop: Shop,
) -> None:
    assert tell(shop, shop.agent, max_feed_mm_s=120).status_code == 204
    assert feed(shop) == 120
    assert [it["max_feed_mm_s"] for it in profiles(shop)] == [200, 120]


def test_the_same_profile_told_again_changes_nothing(shop: Shop) -> None:
    assert tell(shop, shop.agent).status_code == 204
    assert len(profiles(shop)) == 1


def test_a_machine_that_is_said_to_be_too_small_gets_no_job_until_it_is_not(shop: Shop) -> None:
    ordered(shop)
    tell(shop, shop.agent, envelope=Envelope(x_max_mm=30, y_max_mm=30, z_max_mm=30))
    assert shop.agent.lease().status_code == 204
    tell(shop, shop.agent)
    assert shop.agent.lease().status_code == 201


def test_while_an_attempt_may_have_started_its_limits_hold(shop: Shop) -> None:
    _, offer = armed(shop)
    refused = tell(shop, shop.agent, max_feed_mm_s=120)
    assert refused.status_code == 409
    assert "when that attempt has ended" in refused.json["detail"]
    assert feed(shop) == 200
    shop.agent.tell("unused", offer)
    assert tell(shop, shop.agent, max_feed_mm_s=120).status_code == 204


def test_another_name_is_another_machine(shop: Shop) -> None:
    refused = tell(shop, shop.agent, name="Other")
    assert refused.status_code == 422
    assert "is called Printer" in refused.json["detail"]


def test_nobody_but_its_own_agent_describes_a_machine(shop: Shop, app) -> None:
    stranger = HttpAgent(app)
    stranger.enrol(shop.code(), printer("Other printer"))
    assert tell(shop, stranger, max_feed_mm_s=120).status_code == 403
    assert feed(shop) == 200
