"""The stream of one program to a Marlin printer: a window of bytes, resends, holds.

Facts: docs of Marlin (M110, host keepalive, M155) and Marlin/src/gcode/queue.cpp. Firmware
answers every accepted line with `ok` when it is done, and a damaged one with `Error:`,
`Resend: n` and mostly an `ok`; it empties its receive buffer with each resend.
"""

from commons.errors import MachineError, MachineFault, ProtocolViolation
from fab_agent.machines import marlin_answers as said
from fab_agent.machines.driver import Control, Held, MachineEvent, Message, Resumed
from fab_agent.machines.lines import AnswerLines, LineSource
from fab_agent.machines.marlin_answers import temperatures
from fab_agent.machines.marlin_pause import POLLS_PER_SIGN_OF_LIFE, Holds, Parking, Pause
from fab_agent.machines.marlin_script import SYNC, Script, numbered
from fab_agent.machines.marlin_window import WINDOW, Window

__all__ = ["LONGEST_LINE", "PROBE_S", "SYNC", "WINDOW", "MarlinStream", "numbered", "temperatures"]

# MAX_CMD_SIZE is 96 bytes: number, checksum and the closing NUL take up to 16 of them.
LONGEST_LINE = 80
# Marlin says `busy` every 2 s while it works: longer silence means that something was lost.
PROBE_S = 5.0
# Commands that may last; some firmware says nothing meanwhile.
PROBE_BLOCKING_S = 30.0
# A lasting command of which nothing but temperatures is heard may be over, its `ok` lost: it is
# looked into after so many reports, one every second or two.
PROBE_REPORTS = 30
# Some firmware says `wait` every second in which it has nothing to do; the first may have crossed
# a line on its way.
WAITS_PER_PROBE = 2
# A question that was thrown away with the receive buffer is asked again after so long; what is on
# its way at that moment (127 bytes) takes 11 ms at 115200 baud.
ASK_AGAIN_S = 0.06
# In vain again: each time so much more patience. Nothing piles up before a printer at work.
MORE_PATIENCE = 3
# Polls come five times a second; temperatures are asked for every two seconds.
POLLS_PER_QUESTION = 10
# Noise can make the printer acknowledge a few lines that it has not got. One that asks for a
# line further back has been reset and counts from 1: giving it the start again would print into
# the part.
REWIND_LIMIT = 16
# A line that fails this often in a row will not pass: the cable or the line is bad.
REFUSALS_LIMIT = 10

# A number that every printer has had: it refuses the line and names the one that it waits for.
PROBE = b"\n" + numbered(0, b"")
# No other answer begins with `ok` and holds temperatures.
QUESTION = b"M105\n"
# Marlin answers this in its turn with the position: proof that all before it is done, even if
# an `ok` was counted twice on a bad line.
WHERE = b"M114\n"
_HEATING = (b"M109", b"M190", b"M191")


class MarlinStream:
    """One program on its way to a Marlin printer. No port, no clock, no thread.

    Line 0 is `M110 N0`, lines 1 to n are the program's, then comes `SYNC`, which Marlin
    acknowledges when motion has ended; commands of ours during a hold take numbers between.
    Invariants: at most `window` bytes can be in the printer's receive buffer (or one line alone);
    a number always stands for the same text, so that the printer executes every line once; after
    an error nothing more is sent.

    When the printer asks for a line, nothing is sent but a question (M105). Its answer comes in
    its turn: all lines that were accepted are done then, all others are refused and forgotten,
    and the last request tells from where to go on. So no `ok` has to be told from another.
    """

    def __init__(
        self,
        lines: LineSource,
        *,
        window: int = WINDOW,
        probe_s: float = PROBE_S,
        asks_temperatures: bool = False,
        parking: Parking | None = None,
    ) -> None:
        self.answers = 0  # grows whenever the printer shows that it works on what it was sent
        self.finished = False  # every line is executed and motion has ended
        self._script, self._window = Script(lines), Window(window)
        self._end = self._script.last  # no line behind this one is sent now
        self._ready, self._first, self._blocks = list[bytes](), 0, False
        self._alone = False  # a blocking line is on its way, and nothing behind it
        self._probe_s, self._probes, self._reports, self._waits = probe_s, 0, 0, 0
        self._partial = AnswerLines()
        self._due: list[bytes] = []  # questions and probes, before all lines
        self._questions = 0  # sent and not answered
        self._where_asked = False
        self._asked_for: int | None = None  # the printer wants this line again
        self._done_at_question = -1  # what was done when a question of ours was answered
        self._told_last: int | None = None
        self._after_request = self._names_lines = self._failed = False
        self._asked_again, self._refused, self._refusals = 0, -1, 0
        self._asks_temperatures, self._polls = asks_temperatures, 0
        self._holds, self._hold_told = Holds(lines, parking), False
        self._events: list[MachineEvent] = []

    @property
    def expects_answer(self) -> bool:
        """Something was sent that the printer has not answered yet."""
        return not self._window.empty or self._asked_for is not None or self._where_asked

    @property
    def lines_sent(self) -> int:
        """Lines of the program that were sent, from the first."""
        return self._script.program_lines(self._window.next - 1)

    @property
    def lines_done(self) -> int:
        """Lines of the program that were acknowledged, from the first."""
        return self._script.program_lines(self._window.done)

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        if self._failed:
            return b""
        window, out, self._due = self._window, self._due, []
        if self._asked_for is not None:
            return b"".join(out)
        if window.next > self._end and window.empty:
            self._go_further(out)
        while window.next <= self._end:
            start = window.next - self._first
            if start == len(self._ready):
                self._ready, self._blocks = self._script.ready(window.next, self._end)
                self._first, start = window.next, 0
            if not window.empty and (self._alone or (self._blocks and self._holds.active is None)):
                break
            stop = window.fill(self._ready, start)
            if stop == start:
                break
            out += self._ready[start:stop]
            self._alone = self._blocks
        return b"".join(out)

    def receive(self, data: bytes) -> list[MachineEvent]:
        """Understand what the printer says, however it is cut; what others need is returned.

        Raises MachineFault or ProtocolViolation when the printer cannot be trusted to go on.
        """
        if data and not self._failed:
            lines = self._partial.complete(data)
            try:
                if lines and self._counts_plainly and lines.count(b"ok") == len(lines):
                    self._acknowledged(len(lines))
                else:
                    for line in lines:
                        self._understand(line)
            except MachineError:
                self._failed = True
                raise
        events, self._events = self._events, []
        return events

    def quiet(self, silent_s: float) -> None:
        """Take note that the printer has answered nothing for `silent_s` seconds."""
        if self._asked_for is not None:
            if silent_s >= ASK_AGAIN_S * MORE_PATIENCE**self._asked_again:
                self._ask_again()
        elif self.expects_answer and silent_s >= self._patience_s() * MORE_PATIENCE**self._probes:
            self._probe()

    def poll(self) -> bytes:
        """Ask for temperatures, if they do not come by themselves. Nothing jumps the queue."""
        self._polls += 1
        due = self._holds.polled()
        if self._asks_temperatures and not self._alone:
            due = due or self._polls % POLLS_PER_QUESTION == 0
        # One at a time; an answer that never came is given up after 20 s.
        due = due and (not self._questions or self._polls % POLLS_PER_SIGN_OF_LIFE == 0)
        if due and self._window.room() > 2 * len(QUESTION):
            self._ask()
        if self._holds.active is None:
            self._holds.follow(self.lines_done - REWIND_LIMIT)
        return b""

    def control(self, control: Control) -> bytes:
        """Hold before the next line, or go on. What was sent already is still executed."""
        if control is Control.RESUME:
            self._holds.end()
        elif control is Control.HOLD and (lines := self._holds.begin(self.lines_sent)):
            self._hold(lines)
        return b""

    # Acknowledgements

    @property
    def _counts_plainly(self) -> bool:
        return not self._after_request and self._asked_for is None and not self._names_lines

    def _answered(self) -> None:
        self.answers += 1
        self._probes = self._reports = self._waits = 0

    def _acknowledged(self, count: int) -> None:
        self._answered()
        self._window.take(count)
        if self._window.empty:
            self._alone = False

    def _ok(self, line: bytes, *, after_request: bool, has_report: bool) -> None:
        """`ok` in all its forms: of a line, of a question, or of a request."""
        if has_report and self._questions:
            self._question_answered()
            return
        told = said.acknowledgement(line)
        self._names_lines = self._names_lines or told.number is not None
        if told.number is not None:
            self._window.take_to(told.number)
            self._acknowledged(0)
        elif after_request or self._asked_for is not None:
            self._answered()
        elif has_report == self._is_next(b"M105") and (has_report or not self._names_lines):
            self._acknowledged(1)
        if told.free is not None:
            self._window.slots_free(told.free, questions=self._questions)

    def _is_next(self, command: bytes) -> bool:
        """The line whose `ok` comes next is such a command."""
        return self._script.text(self._window.done + 1).startswith(command)

    def _question_answered(self) -> None:
        # Answers come in order: with no line done since the last one, the `ok` of a line is lost,
        # and asking on must not pass for work on it.
        if self._asked_for is not None or self._window.done != self._done_at_question:
            self._answered()
        self._done_at_question = self._window.done
        self._questions -= 1
        self._window.ours = min(self._window.ours, self._questions * len(QUESTION))
        if self._asked_for is not None:
            self._go_on_from(self._asked_for)

    # Everything else the printer says

    def _understand(self, line: bytes) -> None:
        after_request, self._after_request = self._after_request, False
        if line[:6].lower() == b"error:":
            self._refusal_or_fault(line)
            return
        if (report := temperatures(line)) is not None:
            self._events.append(report)
        if line.startswith(b"ok"):
            self._ok(line, after_request=after_request, has_report=report is not None)
        elif report is not None:
            self._reported()
        elif b"busy:" in line:
            self._answered()
        elif (number := said.resend_request(line)) is not None:
            self._resend_asked(number)
        elif (where := said.position(line)) is not None:
            self._is_at(where)
        else:
            self._fault_or_message(line)

    def _refusal_or_fault(self, line: bytes) -> None:
        if not said.refusal(line):
            self._fault_or_message(line)
        self._answered()
        self._told_last = said.last_line(line)

    def _is_at(self, where: said.XYZ) -> None:
        if self._where_asked:
            self.finished = True
        elif self._holds.active is not None:
            self._holds.active.where = where

    def _reported(self) -> None:
        """While it heats, Marlin may say nothing but temperatures."""
        if self._alone:
            self.answers += 1
            self._reports += 1
            if self._reports == PROBE_REPORTS * MORE_PATIENCE**self._probes:
                self._probe()

    def _fault_or_message(self, line: bytes) -> None:
        text = line.decode("ascii", "replace")
        if said.restarted(line):
            raise MachineFault(
                f"the printer restarted after line {self.lines_done}: look at the part and at "
                "the power supply; the rest is not sent"
            )
        if said.fatal(line):
            raise MachineFault(f"the printer stopped after line {self.lines_done}: {text}")
        if line != b"wait":
            self._events.append(Message(text))
        elif self.expects_answer:
            self._waits += 1
            if self._waits == WAITS_PER_PROBE:
                self._probe()

    # Lines that are asked for again

    def _resend_asked(self, number: int) -> None:
        self._answered()
        self._after_request = True
        told, self._told_last = self._told_last, None
        if told is not None and number != told + 1:
            return  # one of the two is damaged: silence or the next request will tell
        number = 0 if self._window.done < 0 else number  # it counts on from an earlier program
        self._judge(number)
        if self._asked_for is None:
            self._asked_again = 0
            self._ask()
        self._asked_for = number

    def _judge(self, number: int) -> None:
        """Refuse what no printer asks for that has worked through from line 0."""
        window = self._window
        sent = max(window.next, window.furthest) - 1
        if number > sent + 1:
            raise ProtocolViolation(
                f"the printer asks for line {number}, but {sent} is the last it was sent: is "
                "another program using this port?"
            )
        # Line 1 is what a printer asks for after a reset, too: in doubt that is what it was.
        counts_anew = number <= 1 <= window.done
        if counts_anew or number <= window.certain or number < window.done - REWIND_LIMIT:
            raise MachineFault(
                f"the printer asks for line {number} again after acknowledging {window.done}: it "
                "must have been reset; look at the part"
            )

    def _go_on_from(self, number: int) -> None:
        """The printer has done every line before `number` and has none from there on."""
        again = number == self._refused and number < self._window.next
        self._refused, self._refusals = number, self._refusals + 1 if again else 0
        if self._refusals >= REFUSALS_LIMIT:
            raise MachineFault(
                f"the printer refused line {number} {REFUSALS_LIMIT} times in a row: check the "
                "USB cable, its length and what runs beside it"
            )
        self._window.restart(number)
        self._asked_for = None
        self._ready, self._first = [], number
        self._due, self._questions = [], 0
        self._alone = self._where_asked = False

    # Questions

    def _ask(self) -> None:
        self._due.append(QUESTION)
        self._questions += 1
        self._window.ours += len(QUESTION)

    def _ask_again(self) -> None:
        """The question was thrown away, or what came before it has no end."""
        self._asked_again += 1
        self._due.append(b"\n")
        self._ask()

    def _probe(self) -> None:
        """Something was lost: the printer shall name the line that it waits for."""
        self._probes += 1
        if self._asked_for is not None:
            self._ask_again()
        elif self._where_asked:
            self._due.append(b"\n" + WHERE)
        else:
            self._due.append(PROBE)

    def _patience_s(self) -> float:
        at_work = self._alone and self._window.done >= 0
        return PROBE_BLOCKING_S if at_work else self._probe_s

    # Holds, and the end

    def _go_further(self, out: list[bytes]) -> None:
        """All that was to be sent is done: the next step of a hold, or the proof of the end."""
        if self._holds.active is not None:
            self._next_step(self._holds.active)
        elif not self._where_asked:
            self._where_asked = True
            out.append(WHERE)

    def _hold(self, lines: list[bytes]) -> None:
        self._hold_told = False
        if self._alone and self._script.text(self._window.next - 1).startswith(_HEATING):
            self._hold_told = True
            self._events.append(Held("a person asked for it; it goes on heating first"))
        self._insert(lines)

    def _next_step(self, pause: Pause) -> None:
        lines = self._holds.step(self.lines_sent)
        if self._holds.active is not pause:
            self._end = self._script.last
            self._events.append(Resumed())
            if lines:
                self._hold(lines)
        elif lines:
            self._insert(lines)
        if pause.standing and not self._hold_told:
            self._hold_told = True
            self._events.append(Held("a person asked for it"))

    def _insert(self, lines: list[bytes]) -> None:
        """Send `lines` next, and nothing behind them for now."""
        number = max(self._window.next, 1)  # line 0 sets the count: it comes before everything
        self._script.insert(number, lines)
        self._end = number + len(lines) - 1
        self._ready, self._first = [], self._window.next
