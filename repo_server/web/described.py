"""What a design's page tells programs: schema.org as JSON-LD, and the card of a shared link."""

import re
from collections.abc import Mapping

from flask import url_for

from commons.manifest.forms import is_language
from repo_server.designs import Release
from repo_server.search.labels import keywords_of
from repo_server.web.addresses import file_url

_FILES = 50  # that are listed
_SUMMARY = 300  # characters of a shared link's text
_ONE_LICENCE = re.compile(r"[A-Za-z0-9.+-]+")


def linked_data(release: Release) -> dict[str, object]:
    """The release in the words of schema.org. Only what is known is said."""
    about = release.manifest
    told: dict[str, object | None] = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "@id": _page(release),
        "url": _page(release),
        "identifier": release.id,
        "name": about.name,
        "description": about.function,
        "version": release.version,
        "license": _licence(about.license),
        "author": [{"@type": "Person", "name": name} for name in about.licensors],
        "publisher": {"@type": "Person", "name": release.published_by.name},
        "datePublished": release.published_at.isoformat(),
        "keywords": list(keywords_of(about)) or None,
        "inLanguage": about.data.get("documentation-language"),
        "image": picture(release),
        "isBasedOn": about.data.get("forkOf"),
        "codeRepository": about.repo or None,
        "encoding": [
            {
                "@type": "MediaObject",
                "name": file.path,
                "contentUrl": file_url(file.sha256, file.path),
                "contentSize": str(file.size),
                "sha256": file.sha256,
            }
            for file in release.files[:_FILES]
        ],
    }
    return {key: value for key, value in told.items() if value is not None}


def spoken_in(manifest: Mapping[str, object], *keys: str) -> str | None:
    """The one language that the manifest names under the first of `keys` that names just one."""
    for key in keys:
        said = manifest.get(key)
        tags = said if isinstance(said, list) else [said]
        if len(tags) == 1 and is_language(tags[0]):
            return str(tags[0])
    return None


def card(release: Release) -> dict[str, str]:
    """What is shown where somebody shares the page's address (Open Graph)."""
    about = release.manifest
    summary = " ".join(about.function.split())
    told = {
        "og:type": "website",
        "og:site_name": "Cosmolocal",
        "og:url": _page(release),
        "og:title": about.name,
        "og:description": summary if len(summary) <= _SUMMARY else f"{summary[:_SUMMARY]}…",
        "og:image": picture(release) or "",
    }
    return {name: value for name, value in told.items() if value}


def picture(release: Release) -> str | None:
    """The address of the PNG that stands for the release, if it has one."""
    return _blob(release.picture) if release.picture else None


def _licence(expression: str) -> str:
    """The licence's own page; several licences as they are written."""
    if _ONE_LICENCE.fullmatch(expression) and not expression.startswith("LicenseRef-"):
        return f"https://spdx.org/licenses/{expression}.html"
    return expression


def _page(release: Release) -> str:
    return url_for("designs.show_release", id=release.id, _external=True)


def _blob(sha256: str) -> str:
    return url_for("api_blobs.get_blob", sha256=sha256, _external=True)
