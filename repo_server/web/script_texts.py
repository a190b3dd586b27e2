"""What the pages' scripts say, by script: a page hands its own over in `data-texts`."""

from collections.abc import Mapping

from commons.texts import later
from repo_server.web.languages import Texts

SCRIPT_TEXTS: Mapping[str, Texts[str]] = {
    "assembly": Texts(
        {
            "only": later("Only this"),
            "only_this": later("Only %(name)s"),
            "unnamed": later("Part %(number)s"),
            "rest": later("Smaller parts"),
        }
    ),
    "board": Texts({"live": later("Live"), "lost": later("No link; trying again")}),
    "wall": Texts(
        {
            "live": later("Live"),
            "asking": later("Asks every few seconds"),
            "lost": later("No link; trying again"),
        }
    ),
    "publish": Texts(
        {
            "no_manifest": later("There is no okh.toml or okh.yml at the top of what you chose."),
            "ready": later("Ready to be published. Files: %(count)s, %(size)s"),
            "read": later("Read"),
            "reading": later("Reading"),
            "publishing": later("Everything is there; publishing."),
            "again": later("Publish again when that is mended; what was sent is not sent twice."),
            "there": later("Files that are there: %(sent)s of %(count)s"),
            "sending": later("Sending, %(sent)s of %(size)s"),
            "sent": later("Sent"),
            "known": later("There already"),
            "unsent": later("Not sent"),
            "lost": later("No link; trying again"),
            "silent": later("The server answered %(status)s without saying why."),
            "unreadable": later("This browser cannot read files beside the page."),
            "not_text": later("%(name)s is not UTF-8 text."),
            "nothing": later("Nothing was published:"),
        }
    ),
    "toolpath": Texts(
        {
            "view": later(
                "The program in three dimensions. Arrow keys turn it, plus and minus zoom, "
                "0 fits it in."
            ),
            "time": later("Time"),
            "layer": later("Layer"),
            "of": later("%(now)s of %(all)s"),
            "line": later("%(time)s, line %(line)s"),
            "height": later("%(now)s of %(all)s, %(height)s mm"),
            "only": later("Only this layer"),
            "refused": later("Refused here"),
            "fit": later("Fit"),
            "reading": later("Reading… %(percent)s %%"),
            "cannot": later("It cannot be shown in 3D here; the picture shows the same"),
        }
    ),
    "viewer": Texts(
        {
            "picture": later("Picture of %(name)s"),
            "grid": later("grid %(step)s mm"),
            "view": later(
                "%(name)s in three dimensions. Arrow keys turn it, plus and minus zoom, "
                "0 fits it in."
            ),
        }
    ),
}
