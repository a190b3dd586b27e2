"""What is known of whether a router still knows where it is, since its port was opened."""


class Bearings:
    """Lost by an alarm or a restart; found by homing, or, without switches, by setting zero.

    GRBL 1.1 itself does not tell: after `$X` it calls itself idle as if it had been homed, and
    one without switches starts at 0 wherever it stands, while its G54 is kept.
    """

    def __init__(self) -> None:
        self.lost = False
        self._zeroed: set[str] = set()

    def lose(self) -> None:
        """It was locked, or it started anew."""
        self.lost = True
        self._zeroed = set()

    def home(self) -> None:
        """It has found its switches."""
        self.lost = False

    def zero(self, axes: str) -> None:
        """A person has shown it the zero of the work for these axes."""
        self._zeroed |= set(axes)

    def lost_for(self, *, homing: bool) -> bool:
        """A program would not run where the person thinks."""
        return self.lost and (homing or self._zeroed < set("XYZ"))
