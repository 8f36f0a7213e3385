"""The errors of ood_face.

::

    OodFaceError
    +- InputError      what the caller sent is wrong; says what, and the limit
    |  +- ImageDecodeError  ImageTooLargeError  NoFaceError  MultipleFacesError
    |  +- UnknownScenarioError
    +- ArtifactError   what lies in the weights folder is missing or wrong
    |  +- WeightsMissingError  ChecksumError  CalibrationMissingError
    +- ConfigError     a setting or a scenario file is wrong
    +- BackendError    an engine below us failed
       +- BusyError    every worker is taken and the queue is full: try again later

Every error is raised with a stable ``key``, an English template, and the values in it::

    raise ImageDecodeError("image.empty", "the picture is empty (0 bytes)")

``str(error)`` is the English sentence. Translations are looked up by ``key``
(``ood_face.messages``); the values go into them by name.
"""

from __future__ import annotations

__all__ = [
    "ArtifactError",
    "BackendError",
    "BusyError",
    "CalibrationMissingError",
    "ChecksumError",
    "ConfigError",
    "ImageDecodeError",
    "ImageTooLargeError",
    "InputError",
    "MultipleFacesError",
    "NoFaceError",
    "OodFaceError",
    "UnknownScenarioError",
    "WeightsMissingError",
]


class OodFaceError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    key : stable dotted name of the sentence, such as ``image.empty``
    template : the English sentence, with ``{name}`` places
    values : what goes into the places
    """

    def __init__(self, key: str, template: str, **values: object) -> None:
        super().__init__(template.format(**values))
        self.key = key
        self.values = values


class InputError(OodFaceError):
    """What the caller sent is wrong."""


class ImageDecodeError(InputError):
    """The bytes are no picture that can be read."""


class ImageTooLargeError(InputError):
    """The picture exceeds the limit on bytes or on pixels."""


class NoFaceError(InputError):
    """No face was found where one is needed."""

    @staticmethod
    def in_picture(width: int, height: int, which: str = "") -> NoFaceError:
        """Return the error of a picture without a face.

        Parameters
        ----------
        width, height : of the picture, pixels
        which : ``first`` or ``second`` picture of a comparison; empty: there is only one
        """
        suffix = which and f"_{which}"
        picture = f"the {which} picture" if which else "the picture"
        return NoFaceError(
            f"face.none{suffix}",
            f"no face was found in {picture} ({{width}}x{{height}} pixels)",
            width=width,
            height=height,
        )


class MultipleFacesError(InputError):
    """Several faces were found where exactly one is wanted."""


class UnknownScenarioError(InputError):
    """No scenario has this name."""


class ArtifactError(OodFaceError):
    """Something in the weights folder is missing or wrong."""


class WeightsMissingError(ArtifactError):
    """A file that the manifest names is not there."""


class ChecksumError(ArtifactError):
    """A file's sha256 differs from the manifest's."""


class CalibrationMissingError(ArtifactError):
    """The model has no usable calibration file."""


class ConfigError(OodFaceError):
    """A setting or a scenario file is wrong."""


class BackendError(OodFaceError):
    """An engine below us failed."""


class BusyError(BackendError):
    """Every worker is taken and the queue is full."""
