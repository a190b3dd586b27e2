"""grbl-streamer in its fast mode (counting characters). Runs in the peers' environment."""

import sys
import threading

from grbl_streamer import GrblStreamer


def main(port: str, baud: str, program: str) -> None:
    settings, going, ended = threading.Event(), threading.Event(), threading.Event()

    def on_event(event: str, *_: object) -> None:
        if event == "on_settings_downloaded":
            settings.set()
        elif event == "on_rx_buffer_percent" and going.is_set():
            # In its reading thread: started from another one, both fill the buffer at once on a
            # fast link, and a line is lost (seen in two of three runs).
            going.clear()
            host.job_run()
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
    going.set()
    host.send_immediately("G21")
    ended.wait()
    print("done", flush=True)
    sys.stdin.read()
    host.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
