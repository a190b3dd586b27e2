"""What gunicorn loads: `gunicorn -k gthread repo_server.wsgi:app`."""

from repo_server import create_app
from repo_server.settings import Settings

app = create_app(Settings.from_env())
