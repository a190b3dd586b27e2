"""grbl-streamer in its fast mode (counting characters). Runs in the peers' environment."""

import sys
import threading

from grbl_streamer import GrblStreamer


def main(port: str, baud: str, program: str) -> None:
    settings, ended = threading.Event(), threading.Event()

    def on_event(event: str, *_: object) -> None:
        if event == "on_settings_downloaded":
            settings.set()
        elif event == "on_job_completed":
            ended.set()

    host = GrblStreamer(on_event)
    settings.clear()  # it reports its defaults first
    host.cnect(port, int(baud))
    settings.wait(5)
    host.poll_start()
    host.load_file(program)
    print("ready", flush=True)
    sys.stdin.readline()
    ended.clear()
    host.job_run()
    ended.wait()
    print("done", flush=True)
    sys.stdin.read()
    host.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
