"""Settings come from COSMO_* variables alone; a wrong name is an error that knows the right one."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from commons.errors import InvalidInput
from repo_server.server import KEEP_ALIVE_S, listening, web_command
from repo_server.settings import VARIABLES, Settings


def test_without_variables_everything_lies_in_one_folder():
    settings = Settings.from_env({"PATH": "/bin"})
    data = Path("var/server").resolve()
    assert settings.data == data
    assert settings.database_url == f"sqlite:///{data}/cosmolocal.sqlite"
    assert settings.secret_file == data / "secret"
    assert settings.queue_url == f"unix://{data}/valkey.sock"
    assert (settings.base_url, settings.https) == ("http://127.0.0.1:8000", False)


def test_what_is_given_is_taken():
    settings = Settings.from_env(
        {
            "COSMO_DATA": "/srv/cosmo",
            "COSMO_DATABASE_URL": "postgresql://db/cosmo",
            "COSMO_REDIS_URL": "redis://queue:6379",
            "COSMO_SECRET_FILE": "/run/secret",
            "COSMO_BASE_URL": "https://designs.example.org/",
        }
    )
    assert settings.database_url == "postgresql://db/cosmo"
    assert settings.queue_url == "redis://queue:6379"
    assert settings.secret_file == Path("/run/secret")
    assert (settings.base_url, settings.https) == ("https://designs.example.org", True)


@pytest.mark.parametrize(
    "more", [{}, {"COSMO_REDIS_URL": "redis://queue", "COSMO_FILES_URL": "https://files.org"}]
)
def test_another_process_reads_the_same_settings(more):
    settings = Settings.from_env({"COSMO_DATA": "/srv/cosmo", **more})
    assert Settings.from_env(settings.environment()) == settings
    assert settings.environment().keys() <= VARIABLES.keys()


def test_every_unknown_variable_is_named_with_its_nearest():
    with pytest.raises(InvalidInput) as refused:
        Settings.from_env({"COSMO_DATABSE_URL": "x", "COSMO_COLOUR": "red"})
    assert [problem.field for problem in refused.value.fields] == [
        "COSMO_COLOUR",
        "COSMO_DATABSE_URL",
    ]
    assert "did you mean COSMO_DATABASE_URL?" in str(refused.value)


def test_a_base_address_that_browsers_cannot_open_is_refused():
    with pytest.raises(InvalidInput, match="COSMO_BASE_URL"):
        Settings.from_env({"COSMO_BASE_URL": "designs.example.org"})


@pytest.mark.parametrize(
    "given",
    ["files.example.org", "https://files.example.org/sub", "ftp://x", "http://127.0.0.1:8000"],
)
def test_an_address_for_files_that_is_no_origin_of_its_own_is_refused(given):
    with pytest.raises(InvalidInput, match="COSMO_FILES_URL"):
        Settings.from_env({"COSMO_FILES_URL": given})


@pytest.mark.parametrize("given", ["many", "0", "-1", "nan", "inf", "1e9"])
@pytest.mark.parametrize("key", ["COSMO_UPLOAD_QUOTA_GB", "COSMO_UPLOAD_DAYS"])
def test_a_limit_that_is_no_number_above_zero_is_refused(key, given):
    with pytest.raises(InvalidInput, match=f"{key} is '{given}'"):
        Settings.from_env({key: given})


def test_limits_of_uploads_are_taken_in_gb_and_days():
    settings = Settings.from_env({"COSMO_UPLOAD_QUOTA_GB": "0.5", "COSMO_UPLOAD_DAYS": "2"})
    assert settings.upload_quota_bytes == 512 * 1024**2
    assert settings.upload_kept == timedelta(days=2)


@pytest.mark.parametrize(
    ("given", "files_port", "files_url", "ports"),
    [
        ({}, None, "http://127.0.0.1:8001", [8000, 8001]),
        ({}, 9001, "http://127.0.0.1:9001", [8000, 9001]),
        ({"COSMO_BASE_URL": "http://[::1]:8000"}, None, "http://[::1]:8001", [8000, 8001]),
        ({"COSMO_BASE_URL": "https://a.org"}, None, None, [8000]),
        ({"COSMO_FILES_URL": "https://b.org"}, None, "https://b.org", [8000]),
        ({"COSMO_FILES_URL": "https://b.org"}, 8001, "https://b.org", [8000, 8001]),
    ],
)
def test_strangers_files_have_the_next_port_where_no_proxy_is(given, files_port, files_url, ports):
    settings, listened = listening(Settings.from_env(given), 8000, files_port)
    assert (settings.files_url, listened) == (files_url, ports)


def test_the_server_keeps_idle_connections_longer_than_our_clients_do() -> None:
    """Or a question meets a connection that is just being closed, and gets no answer."""
    expiry_s = httpx.Limits().keepalive_expiry
    assert expiry_s is not None and 2 * expiry_s < KEEP_ALIVE_S
    command = web_command("127.0.0.1", [8000])
    assert command[command.index("--keep-alive") + 1] == str(KEEP_ALIVE_S)
