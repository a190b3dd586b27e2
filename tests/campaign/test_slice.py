"""Ten schedules of the campaign, two at a time; `make campaign` plays all thousand."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.campaign.crew import Crew
from tests.campaign.schedule import schedule_of
from tests.campaign.story import Result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SLICE = range(1, 11)
AT_A_TIME = 2
Results = dict[int, "Future[Result]"]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    """What becomes of every seed that was selected; all of them are under way at once."""
    asked = [item for item in request.session.items if item.path == request.path]
    seeds = [item.callspec.params["seed"] for item in asked if isinstance(item, pytest.Function)]
    folder = tmp_path_factory.mktemp("campaign")
    with Crew(folder) as crew, ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            yield {seed: pool.submit(crew.play, schedule_of(seed)) for seed in seeds}
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seed", SLICE)
def test_whatever_breaks_every_promise_is_kept(seed: int, results: Results) -> None:
    result = results[seed].result()
    assert not result.broken, f"{result.schedule}; happened: {result.happened}"
