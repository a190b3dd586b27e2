"""How much may be on its way to a Marlin printer, in bytes."""

from collections import deque

# Marlin's RX_BUFFER_SIZE is 128 bytes, one of which a ring buffer leaves free.
WINDOW = 127
# No firmware has so many slots for commands: more is noise.
MOST_SLOTS = 64


class Window:
    """Numbered lines that were sent: `next` is the first that was not, `done` the last finished.

    Invariant: at most `limit` bytes can be in the printer's receive buffer, or one line alone.

    ADVANCED_OK widens the window soundly. `ok N7 P15 B2` says that 2 slots for commands are free,
    that of line 7 not among them (ok_to_send runs before its slot is freed). The most that were
    ever free is at most one less than there are: so at least `most - 2` lines behind line 7 have
    left the receive buffer for the slots, and no longer count. The free slots themselves and
    those of the planner (`P`) do not count: when the firmware will fill them nobody knows.
    """

    def __init__(self, limit: int = WINDOW) -> None:
        self.next, self.done = 0, -1
        self.certain = -1  # the printer itself has named this line as accepted
        self.furthest = 0  # `next` as it was before the last restart
        self.ours = 0  # bytes of questions without a number
        self._limit = limit
        self._sizes: deque[int] = deque()  # of done + 1 … next - 1; 0: left the receive buffer
        self._size = 0
        self._most_free = 0

    @property
    def empty(self) -> bool:
        """All lines that were sent are done."""
        return not self._sizes

    def room(self) -> int:
        """Bytes that may follow."""
        return self._limit - self._size - self.ours

    def fill(self, lines: list[bytes], start: int) -> int:
        """Lines from `start` on, as many as fit, count as sent; the index of the first that
        does not fit."""
        sizes, room = self._sizes, self._limit - self._size - self.ours
        stop = start
        for line in lines[start : start + 1] if room < 0 else lines[start:]:
            size = len(line)
            if size > room and sizes:
                break
            sizes.append(size)
            room -= size
            stop += 1
        self._size = self._limit - self.ours - room
        self.next += stop - start
        return stop

    def take(self, count: int) -> None:
        """The oldest `count` lines are done; more than there are is noise."""
        sizes = self._sizes
        count = min(count, len(sizes))
        for _ in range(count):
            self._size -= sizes.popleft()
        self.done += count

    def take_to(self, number: int) -> None:
        """Line `number` is done, and so is every line before it. One never sent is noise."""
        if self.done < number < self.next:
            self.take(number - self.done)
        if number < self.next:
            self.certain = max(self.certain, number)

    def slots_free(self, free: int, *, questions: int) -> None:
        """The printer has told how many commands it could still take.

        Each of `questions` that are not answered may fill one of the slots.
        """
        if free > MOST_SLOTS:
            return
        self._most_free = max(self._most_free, free)
        taken = self._most_free - free - questions
        for i in range(min(taken, len(self._sizes))):
            self._size -= self._sizes[i]
            self._sizes[i] = 0

    def restart(self, number: int) -> None:
        """The printer has finished every line before `number` and has none from there on."""
        self.furthest = max(self.furthest, self.next)
        self.next, self.done = number, number - 1
        self.certain = number - 1
        self._sizes.clear()
        self._size = self.ours = self._most_free = 0
