"""OctoPrint's push channel: what a print host tells by itself, as long as it can be had.

Facts: docs.octoprint.org, "Push updates"; the raw WebSocket of OctoPrint 1.11.8 and 2.0.0rc7.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import websocket
from pydantic import ValidationError

from commons.errors import TransportLost
from fab_agent.machines.handed_over import News
from fab_agent.machines.octoprint_client import OctoPrintClient, Push

# Opening may take so long; meanwhile nobody is heard, so it is short.
PUSH_TIMEOUT_S = 2.0
# A channel that is lost is asked for again so often.
REOPEN_S = 10.0
FIRMWARE_S = 5.0
# `current` messages come every n-th half second.
PUSH_THROTTLE = 1
EVENTS = ("PrintDone", "PrintFailed", "PrintCancelled")


class PushChannel:
    """OctoPrint's raw WebSocket: one JSON object a message. TransportLost when it breaks."""

    def __init__(self, client: OctoPrintClient, *, with_log: bool = False) -> None:
        session = client.session()
        address = client.url.replace("http", "ws", 1) + "/sockjs/websocket"
        try:
            self._socket = websocket.create_connection(address, timeout=PUSH_TIMEOUT_S)
            self._send({"auth": session})
            self._send({"throttle": PUSH_THROTTLE})
            wanted = {"logs": with_log, "messages": False}
            self._send({"subscribe": {"state": wanted, "events": EVENTS, "plugins": False}})
        except (websocket.WebSocketException, OSError) as e:
            raise TransportLost(f"no push channel to {address}: {e}") from e

    def receive(self, timeout: float) -> Push | None:
        """The next message; None when none came within `timeout` seconds."""
        try:
            self._socket.settimeout(timeout)
            text = self._socket.recv()
            if not text:
                raise TransportLost("the push channel was closed")
            return Push.model_validate_json(text)
        except websocket.WebSocketTimeoutException:
            return None
        except ValidationError:
            return None  # a message of a kind that we do not use
        except (websocket.WebSocketException, OSError) as e:
            raise TransportLost(f"the push channel broke: {e}") from e

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        with suppress(websocket.WebSocketException, OSError):
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps(message))


def channel_news(
    client: OctoPrintClient, *, clock: Callable[[], float], wait: Callable[[float], None]
) -> News[Push]:
    """What OctoPrint tells, whenever it can be had."""
    return News(lambda: PushChannel(client), reopen_s=REOPEN_S, clock=clock, wait=wait)


def firmware_says(client: OctoPrintClient, *, clock: Callable[[], float]) -> list[str]:
    """What the printer behind the host answers to M115; [] when that cannot be learned.

    Moves and heats nothing. The printer must be connected and idle.
    """
    said = list[str]()
    end = clock() + FIRMWARE_S
    with PushChannel(client, with_log=True) as channel:
        client.ask_firmware()
        while clock() < end and not answer_to_m115(said):
            news = channel.receive(end - clock())
            log = news.current.logs if news and news.current else ()
            said += [line.removeprefix("Recv: ") for line in log if line.startswith("Recv: ")]
    return answer_to_m115(said)


def answer_to_m115(said: list[str]) -> list[str]:
    """Of what a printer has said, what answers M115, up to its "ok"; [] while that is not all.

    Around it stand the answers to what the host asks by itself every few seconds.
    """
    first = next((n for n, line in enumerate(said) if "FIRMWARE_NAME:" in line), len(said))
    answer = said[first:]
    last = next((n for n, line in enumerate(answer) if line.startswith("ok")), None)
    return [] if last is None else answer[:last]
