"""The app whose routes the pages describe."""

from collections.abc import Iterator

import pytest
from flask import Flask

from repo_server import close_app, create_app
from repo_server.settings import Settings


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("server")
    app = create_app(Settings.from_env({"COSMO_DATA": str(folder)}))
    yield app
    close_app(app)
