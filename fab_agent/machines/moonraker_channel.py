"""Moonraker's WebSocket: what Klipper tells by itself, as long as it can be had.

Facts: moonraker.readthedocs.io, "JSON-RPC notifications"; Moonraker 0.11.0. Klipper tells what has
changed four times a second at most. When Klipper goes, its subscriptions go with it: the channel
then counts as lost and is asked for again.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import websocket

from commons.errors import TransportLost
from fab_agent.machines.handed_over import News
from fab_agent.machines.moonraker_client import OBJECTS, MoonrakerClient

# Opening may take so long; meanwhile nobody is heard, so it is short.
PUSH_TIMEOUT_S = 2.0
# A channel that is lost is asked for again so often.
REOPEN_S = 5.0
_IDENTIFY, _SUBSCRIBE = 1, 2
_WHO = {"client_name": "cosmolocal", "version": "0", "type": "other", "url": ""}

# What has changed, by printer object: "print_stats": {"state": "printing"}.
Changes = dict[str, Any]


def changes_in(text: str | bytes) -> Changes | None:
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


def _objects(status: dict[str, Any]) -> Changes:
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

    def receive(self, timeout: float) -> Changes | None:
        """The next message; None when none came in time, or one of a kind that we do not use."""
        try:
            self._socket.settimeout(timeout)
            text = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as e:
            raise TransportLost(f"the push channel broke: {e}") from e
        if not text:
            raise TransportLost("the push channel was closed")
        return changes_in(text)

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        with suppress(websocket.WebSocketException, OSError):
            self._socket.close()

    def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._socket.send(json.dumps(request))


def channel_news(
    client: MoonrakerClient, *, clock: Callable[[], float], wait: Callable[[float], None]
) -> News[Changes]:
    """What Klipper tells, whenever it can be had."""
    return News(lambda: PushChannel(client), reopen_s=REOPEN_S, clock=clock, wait=wait)
