"""A window for `render_mode="human"`."""

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 10


class DisplayWindow:
    """Shows one picture after the other, at most ten a second. Opens with the first one.

    Where there is no display, one sentence says so and nothing is shown. Somebody who closes the window does not stop
    the program.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.closed = False
        self._root: Any = None
        self._label: Any = None
        self._shown = 0.0

    def show(self, picture: NDArray[np.uint8]) -> None:
        """picture: (height, width, 3) RGB"""
        if self.closed:
            return
        try:
            import tkinter
        except ImportError as error:
            self._give_up(error)
            return
        try:
            if self._root is None:
                self._root = tkinter.Tk()
                self._root.title(self.title)
                self._label = tkinter.Label(self._root)
                self._label.pack()
            time.sleep(max(0.0, self._shown + 1 / FRAMES_PER_SECOND - time.monotonic()))
            self._shown = time.monotonic()
            height, width, _ = picture.shape
            image = tkinter.PhotoImage(master=self._root, data=b"P6 %d %d 255 " % (width, height) + picture.tobytes())
            self._label.configure(image=image)
            self._label.image = image  # the label alone does not keep it
            self._root.update()
        except tkinter.TclError as error:
            if self._root is None:
                self._give_up(error)
            self.closed = True

    def close(self) -> None:
        """Close it, if it is open; nothing is shown from then on."""
        import contextlib

        if self._root is not None and not self.closed:
            import tkinter

            with contextlib.suppress(tkinter.TclError):
                self._root.destroy()
        self.closed = True

    def _give_up(self, error: Exception) -> None:
        self.closed = True
        warnings.warn(
            f"render_mode='human' needs a display and shows nothing here ({error}); 'rgb_array' needs none.",
            stacklevel=2,
        )
