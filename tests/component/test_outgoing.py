"""Where the server goes by itself: to public addresses that it has looked at, and nowhere else."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from commons.errors import InvalidInput, Unavailable
from repo_server import outgoing
from repo_server.outgoing import Way, pin, post, read_address

OPEN = "93.184.215.14"
CLOSED = ["127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.4", "169.254.169.254", "100.64.0.1",
          "0.0.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1",
          "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
          "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1"]  # fmt: skip


def way(*addresses: str, **more) -> Way:
    return Way(resolver=lambda _host, _port: list(addresses), **more)


def test_a_public_address_is_pinned() -> None:
    assert pin(read_address("https://example.org/x", way()), way(OPEN)) == OPEN


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_refused_even_beside_one_that_is(address) -> None:
    asked = read_address("https://example.org/x", way())
    for found in ((address,), (OPEN, address)):
        with pytest.raises(InvalidInput, match="not on the open internet"):
            pin(asked, way(*found))


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "ftp://example.org/", "//example.org/", "https://", "file:///etc/passwd",
     "https://user@example.org/", "https://a:b@example.org/", "https://example.org/#x",
     "https://example.org:99999/", "https://exa mple.org/", "https://example.org/\r\nX: y",
     "https://[::1", "https://ex\u00e4mple.org/", "javascript:alert(1)", "https://:443/",
     f"https://example.org/{'x' * 2000}", ""],
)  # fmt: skip
def test_what_is_no_encrypted_web_address_is_refused(url) -> None:
    with pytest.raises(InvalidInput):
        read_address(url, way())


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "localhost."])
def test_the_own_machine_is_refused_however_its_name_is_written(host) -> None:
    with pytest.raises((InvalidInput, Unavailable)):
        pin(read_address(f"https://{host}/", Way()), Way())


@pytest.mark.parametrize("address", [it for it in CLOSED if "%" not in it])
def test_an_address_in_numbers_that_is_not_public_is_refused_before_anybody_asks(address) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidInput, match="not on the open internet"):
        read_address(f"https://{host}/", way())


def test_a_host_of_the_own_network_is_reached_only_where_the_operator_names_it() -> None:
    named = way("192.168.1.4", lan_hosts=frozenset({"panel.lan"}))
    assert pin(read_address("http://panel.lan/", named), named) == "192.168.1.4"
    with pytest.raises(InvalidInput):
        read_address("http://other.lan/", named)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate for `hooks.example.org`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("hooks.example.org")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def https(certificate: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A server with that certificate: its port, and the requests that it read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    read: list[bytes] = []

    def serve() -> None:
        try:
            with listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as it:
                asked = b""
                while not asked.endswith(b"body"):
                    asked += it.recv(65536)
                read.append(asked)
                it.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1], read
    listening.close()
    thread.join()


def trusting(certificate: Path) -> Way:
    """Whoever asks for the name is sent to the loopback, and trusts the certificate."""
    tls = ssl.create_default_context(cafile=str(certificate))
    hosts = frozenset({"hooks.example.org", "other.example.org"})
    return Way(hosts, lambda _host, _port: ["127.0.0.1"], tls)


def test_the_pinned_address_is_spoken_to_under_its_own_name(https, certificate) -> None:
    port, read = https
    url = f"https://hooks.example.org:{port}/a?b=c"
    assert post(url, b"body", {"webhook-id": "1"}, way=trusting(certificate)) == 202
    head = read[0].decode()
    assert head.startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: hooks.example.org:{port}\r\n" in head


def test_a_certificate_for_another_name_is_refused(https, certificate) -> None:
    port, _ = https
    with pytest.raises(Unavailable, match="does not answer"):
        post(f"https://other.example.org:{port}/", b"", {}, way=trusting(certificate))


def test_a_name_is_resolved_once_so_that_it_cannot_change_its_mind() -> None:
    asked: list[str] = []

    def fickle(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [OPEN]

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable):
        post(f"http://lan.test:{port}/", b"", {}, way=Way(frozenset({"lan.test"}), fickle))
    assert asked == ["lan.test"]


def test_who_answers_a_byte_at_a_time_does_not_keep_the_server(monkeypatch) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unavailable):
            post(
                f"http://lan.test:{port}/",
                b"",
                {},
                way=Way(frozenset({"lan.test"}), lambda _host, _port: ["127.0.0.1"]),
            )
