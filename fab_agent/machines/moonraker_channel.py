"""Moonraker's WebSocket: what Klipper tells by itself, as long as it can be had.

Facts: moonraker.readthedocs.io, "JSON-RPC notifications"; Moonraker 0.11.0. Klipper tells what has
changed four times a second at most. When Klipper goes, its subscriptions go with it: the channel
then counts as lost and is asked for again.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import websocket

from commons.errors import FabError, TransportLost
from fab_agent.machines.moonraker_client import OBJECTS, MoonrakerClient

# Opening may take so long; meanwhile nobody is heard, so it is short.
PUSH_TIMEOUT_S = 2.0
# A channel that is lost is asked for again so often.
REOPEN_S = 5.0
_IDENTIFY, _SUBSCRIBE = 1, 2
_WHO = {"client_name": "cosmolocal", "version": "0", "type": "other", "url": ""}

# What has changed, by printer object: "print_stats": {"state": "printing"}.
News = dict[str, Any]


def news_of(text: str | bytes) -> News | None:
    """What a message tells of the printer; None for kinds that we do not use.

    TransportLost when it says that Klipper has gone, or that there will be no news.
    """
    try:
        message = json.loads(text)
        if message.get("method") == "notify_klippy_disconnected":
            raise TransportLost("Klipper has disconnected from Moonraker")
        if message.get("method") == "notify_status_update":
            return _objects(message["params"][0])
        if message.get("id") == _SUBSCRIBE:
            if "error" in message:
                raise TransportLost(f"no subscription: {message['error']}")
            return _objects(message["result"]["status"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return None


def _objects(status: dict[str, Any]) -> News:
    return {name: dict(fields) for name, fields in status.items()}


class PushChannel:
    """One JSON object a message. TransportLost when it breaks."""

    def __init__(self, client: MoonrakerClient) -> None:
        address = client.url.replace("http", "ws", 1) + "/websocket"
        try:
            self._socket = websocket.create_connection(
                address, timeout=PUSH_TIMEOUT_S, header=client.headers
            )
            self._send(_IDENTIFY, "server.connection.identify", _WHO)
            self._send(_SUBSCRIBE, "printer.objects.subscribe", {"objects": OBJECTS})
        except (websocket.WebSocketException, OSError) as e:
            raise TransportLost(f"no push channel to {address}: {e}") from e

    def receive(self, timeout_s: float) -> News | None:
        """The next message; None when none came in time, or one of a kind that we do not use."""
        try:
            self._socket.settimeout(timeout_s)
            text = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as e:
            raise TransportLost(f"the push channel broke: {e}") from e
        if not text:
            raise TransportLost("the push channel was closed")
        return news_of(text)

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        with suppress(websocket.WebSocketException, OSError):
            self._socket.close()

    def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._socket.send(json.dumps(request))


class Listening:
    """The push channel as long as there is one; a lost one is opened anew every `REOPEN_S`."""

    def __init__(
        self,
        client: MoonrakerClient,
        *,
        clock: Callable[[], float],
        wait: Callable[[float], None],
        reopen_s: float = REOPEN_S,
    ) -> None:
        self._client, self._clock, self._wait, self._reopen_s = client, clock, wait, reopen_s
        self._channel: PushChannel | None = None
        self._open_at = clock()

    @property
    def live(self) -> bool:
        """What happens is told without being asked for."""
        return self._channel is not None

    def next(self, timeout_s: float) -> News | None:
        """The next message; None when none came within `timeout_s`, or none can come now."""
        if self._channel is None and self._clock() >= self._open_at:
            self._open()
        if self._channel is not None:
            try:
                return self._channel.receive(timeout_s)
            except TransportLost:
                self.close()
        self._wait(timeout_s)
        return None

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._open_at = self._clock() + self._reopen_s
        with suppress(FabError):  # polling goes on meanwhile
            self._channel = PushChannel(self._client)
