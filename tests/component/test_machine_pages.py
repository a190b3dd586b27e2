"""A machine's book over HTTP: what people write into it, and what it says then."""

import pytest

from tests.shop import Shop, open_shop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


def test_what_people_write_into_a_machines_book_stands_in_it(shop: Shop):
    path = shop.at_lab(f"/machines/{shop.agent.machines['Printer']}")
    week = {"mon": ["09:00-18:00"]}
    said = {"time_zone": "Europe/Paris", "open": week, "closed_days": ["2026-12-24"]}
    assert shop.manager.send("PUT", shop.at_lab("/rules"), json=said).status_code == 204
    kept = shop.stranger.get(shop.at_lab("/rules")).json
    assert (kept["open"]["mon"], kept["closed_days"]) == (["09:00-18:00"], ["2026-12-24"])
    counters = {"hours": 1200, "starts": 300}
    assert shop.manager.send("PUT", f"{path}/counters", json=counters).status_code == 204
    task = {"name": "grease the rods", "every_hours": 200, "blocking": True}
    task_id = shop.manager.post(f"{path}/maintenance", task).json["id"]
    assert (
        shop.manager.post(f"{path}/maintenance/{task_id}/done", {"note": "PTFE"}).status_code == 204
    )
    down = shop.manager.post(f"{path}/downtimes", {"reason": "new belts"}).json["id"]
    again = shop.manager.post(f"{path}/downtimes", {"reason": "new belts"})
    assert (again.status_code, "end that one first" in again.json["detail"]) == (409, True)
    wanted = {"release_id": shop.release_id, "part": "hook"}
    assert shop.manager.post(f"{path}/calibrations", wanted).status_code == 201
    book = shop.member.get(path).json
    assert (book["counters"]["hours"], book["counters"]["said_by"]) == (1200.0, "Manu")
    assert [it["due"] for it in book["maintenance"]] == ["fine"]
    assert [(it["note"], it["hours"]) for it in book["done"]] == [("PTFE", 1200.0)]
    assert [it["reason"] for it in book["downtimes"]] == ["new belts"]
    assert [it["good"] for it in book["calibrations"]] == [None]
    assert book["draw"] == {"heat_up_w": 100.0, "run_w": pytest.approx(43.1), "heat_up_s": 300.0}
    shop.manager.post(f"{path}/downtimes/{down}/end")
    shop.manager.send("DELETE", f"{path}/maintenance/{task_id}")
    book = shop.member.get(path).json
    assert (book["downtimes"], book["maintenance"]) == ([], [])
    table = shop.stranger.get(shop.at_lab("/utilisation.csv?weeks=2")).text.splitlines()
    assert (table[0].split(",")[:3], len(table)) == (["machine", "week_begins_at", "running_h"], 5)


def test_the_pages_take_what_people_type_and_say_what_is_wrong(shop: Shop):
    at = f"/labs/corner/machines/{shop.agent.machines['Printer']}"
    page = "/labs/corner/manage/rules"
    said = {"time_zone": "Europe/Paris", "open_mon": "9-12:30, 14:00 – 18", "closed_days": ""}
    assert shop.manager.send("POST", page, data=said).status_code == 303
    assert 'value="09:00-12:30, 14:00-18:00"' in shop.manager.get(page).text
    wrong = shop.manager.send("POST", page, data={"time_zone": "UTC", "quiet_mon": "22:00-8:00"})
    assert (wrong.status_code, "a night is two spans" in wrong.text) == (422, True)
    planned = {"name": "new nozzle", "every_prints": "50"}
    assert shop.manager.send("POST", f"{at}/maintenance", data=planned).status_code == 303
    wrong = shop.manager.send("POST", f"{at}/maintenance", data={"name": "new nozzle"})
    assert "say after how many hours" in wrong.text
    backwards = {"reason": "moved", "begins_at": "2036-01-02T10:00", "ends_at": "2036-01-01T10:00"}
    wrong = shop.manager.send("POST", f"{at}/downtimes", data=backwards)
    assert (wrong.status_code, "are they exchanged?" in wrong.text) == (422, True)
    down = {"reason": "moved", "begins_at": "2036-01-01T10:00", "ends_at": ""}
    assert shop.manager.send("POST", f"{at}/downtimes", data=down).status_code == 303
    shown = shop.manager.get(at).text
    assert "From 2036-01-01 10:00 until somebody ends it" in shown
    assert "new nozzle" in shown
    assert "Printer" in shop.stranger.get("/labs/corner/utilisation").text
