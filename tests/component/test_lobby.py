"""Many wait, one looks; whoever is concerned is called, and nobody else."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import active_count

import pytest

from commons.machine import Process
from repo_server.lobby import Concerns, Lobby

NOTHING = Concerns()
QUEUE = Concerns(queues=frozenset({("corner", Process.FDM)}))


def machine(name: str) -> Concerns:
    return Concerns(machines=frozenset({name}))


class World:
    """What the common look finds, and how often it was taken."""

    def __init__(self) -> None:
        self.news, self.looks = NOTHING, 0

    def look(self) -> Concerns:
        self.looks += 1
        return self.news


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lobby(world: World) -> Iterator[Lobby]:
    lobby = Lobby(world.look)
    yield lobby
    lobby.close()


def soon(seconds: float) -> float:
    return time.monotonic() + seconds


def test_two_touch_when_they_share_a_machine_or_a_queue() -> None:
    both = Concerns(frozenset({"a", "b"}), QUEUE.queues)
    assert both.touch(machine("b"))
    assert both.touch(QUEUE)
    assert not both.touch(machine("c"))
    assert not both.touch(Concerns(queues=frozenset({("corner", Process.CNC)})))
    assert not both.touch(NOTHING)


def test_only_those_are_called_whom_it_concerns_and_one_looks_for_all(
    lobby: Lobby, world: World
) -> None:
    before = active_count()
    with ThreadPoolExecutor(40) as pool:
        others = [pool.submit(lobby.wait, machine(f"{n}"), soon(1.5)) for n in range(39)]
        called = pool.submit(lobby.wait, machine("printer"), soon(60))
        world.news = machine("printer")
        assert called.result()
        assert not any(it.result() for it in others)
    assert world.looks < 39
    lobby.close()
    assert active_count() == before


def test_whoever_looked_in_vain_is_not_called_again_at_once(lobby: Lobby, world: World) -> None:
    world.news = QUEUE
    assert lobby.wait(QUEUE, soon(60))
    assert not lobby.wait(QUEUE, soon(0.1))  # it stands as it stood


def test_a_look_that_fails_is_taken_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def look() -> Concerns:
        if world.look() and world.looks == 1:
            raise OSError("the disk is full")
        return QUEUE

    lobby = Lobby(look)
    assert lobby.wait(QUEUE, soon(60))
    lobby.close()
    assert "the common look" in caplog.text
