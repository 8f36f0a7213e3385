"""What the page serves: the server's parts, and its own background tasks and uploads."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import gradio as gr  # Gradio itself looks at the type of what asks for the request

from ood_face.allocator import kept_small
from ood_face.api.served import Served
from webui.bundles import Bundles
from webui.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PageServed"]

_UPLOADS = "uploads"
_SWEEP_EVERY_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class PageServed(Served):
    """The parts of a server with what the page alone has.

    Attributes
    ----------
    bundles : pictures that visitors send in slices
    jobs : long work, in the background
    """

    bundles: Bundles = field(kw_only=True)
    jobs: Jobs = field(kw_only=True)

    @classmethod
    def of(cls, served: Served) -> PageServed:
        """Return a server's parts with places for its page's visitors."""
        settings = served.settings
        bundles = Bundles(
            settings.data_dir / _UPLOADS, settings.max_batch_bytes, settings.max_image_bytes
        )
        parts = {part.name: getattr(served, part.name) for part in fields(Served)}
        return cls(**parts, bundles=bundles, jobs=Jobs())

    def forget(self, request: gr.Request) -> None:
        """Drop everything of the page that was closed."""
        self.jobs.forget(str(request.session_hash))
        self.bundles.forget(str(request.session_hash))

    @contextmanager
    def kept_tidy(self) -> Iterator[None]:
        """Forget what is too old now and then; at the end, and of an earlier server, everything.

        Freed memory goes back to the system as well.
        """
        self.bundles.close()
        ended = threading.Event()
        sweeper = threading.Thread(target=self._sweep_until, args=(ended,), name="page-sweeper")
        sweeper.start()
        try:
            with kept_small():
                yield
        finally:
            ended.set()
            sweeper.join()
            self.jobs.close()
            self.bundles.close()

    def _sweep_until(self, ended: threading.Event) -> None:
        while not ended.wait(_SWEEP_EVERY_S):
            self.jobs.sweep()
            self.bundles.sweep()
