"""Primitives of oneDNN for the steps of a network."""

from __future__ import annotations

from ctypes import c_void_p
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError
from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn.descriptors import Layout, any_layout, channels_last, engine, strided
from ood_face.runtime.onednn.library import (
    ALG_BINARY_ADD,
    ALG_CONVOLUTION,
    ALG_MAX_POOL,
    ALG_RELU,
    ARG_DST,
    ARG_WEIGHTS,
    BFLOAT16,
    FORWARD_INFERENCE,
    MD_SCRATCHPAD,
    MD_WEIGHTS,
    call,
    created,
    dims,
    library,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.runtime.graph import MaxPool

__all__ = ["Primitive", "check_bfloat16", "convolution", "max_pool", "reorder"]

_SCRATCHPAD_OF_THE_CALLER = 1
_BY_CHANNEL = 2


class Primitive:
    """Something that can be executed.

    Attributes
    ----------
    handle : for ``primitive_execute``
    scratch : memory it needs while it runs; None: none
    weights : how a convolution wants its weights; None: it has none
    """

    def __init__(self, description: c_void_p) -> None:
        try:
            self.handle = created("primitive_create", description)
            query = library().dnnl_primitive_desc_query_md
            needed = query(description, MD_SCRATCHPAD, 0)
            scratch = Layout.copy_of(needed) if needed else None
            self.scratch = None if scratch is None or scratch.size == 0 else scratch
            wanted = query(description, MD_WEIGHTS, 0)
            self.weights = Layout.copy_of(wanted) if wanted else None
        finally:
            library().dnnl_primitive_desc_destroy(description)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            library().dnnl_primitive_destroy(self.handle)


class _Attributes:
    # scratch memory is the caller's; what follows a convolution

    def __init__(self) -> None:
        self.handle = created("primitive_attr_create")
        self.post_ops = created("post_ops_create")
        call("primitive_attr_set_scratchpad_mode", self.handle, _SCRATCHPAD_OF_THE_CALLER)

    def __enter__(self) -> _Attributes:
        return self

    def __exit__(self, *_: object) -> None:
        library().dnnl_post_ops_destroy(self.post_ops)
        library().dnnl_primitive_attr_destroy(self.handle)

    def scale(self, argument: int) -> None:
        # weights have one for each filter, all else has one
        mask = int(argument == ARG_WEIGHTS)
        call("primitive_attr_set_scales_mask", self.handle, argument, mask)

    def sealed(self) -> c_void_p:
        call("primitive_attr_set_post_ops", self.handle, self.post_ops)
        return self.handle


def convolution(
    step: Convolution,
    given: tuple[Layout, Layout],
    target: Layout,
    added: Layout | None = None,
    *,
    scaled: Sequence[int] = (),
    padding_rows: tuple[int, int] | None = None,
) -> Primitive:
    """Return a convolution with everything that is fused to it.

    Parameters
    ----------
    step : its strides, padding and activation
    given : how source and weights lie
    target : how it lies
    added : how the residual lies
    scaled : arguments that are integers, given with their scales
    padding_rows : above and below; None: the step's
    """
    bias = strided(step.bias)
    source, weights = given
    above, below = (step.padding[0],) * 2 if padding_rows is None else padding_rows
    with _Attributes() as attributes:
        for argument in scaled:
            attributes.scale(argument)
        if added is not None:
            call("post_ops_append_binary", attributes.post_ops, ALG_BINARY_ADD, added.handle)
        if step.slopes is not None:
            call("post_ops_append_prelu", attributes.post_ops, _BY_CHANNEL)
        if step.relu:
            call("post_ops_append_eltwise", attributes.post_ops, ALG_RELU, 0.0, 0.0)
        description = created(
            "convolution_forward_primitive_desc_create",
            engine(),
            FORWARD_INFERENCE,
            ALG_CONVOLUTION,
            source.handle,
            weights.handle,
            bias.handle,
            target.handle,
            dims(step.strides),
            dims((0, 0)),
            dims((above, step.padding[1])),
            dims((below, step.padding[1])),
            attributes.sealed(),
        )
    return Primitive(description)


def max_pool(step: MaxPool, size: tuple[int, int], source: Layout, target: Layout) -> Primitive:
    """Return a pooling of a source of this height and width."""
    ends = tuple(
        (count - 1) * stride + span - side
        for count, stride, span, side in zip(
            step.size_of(*size), step.strides, step.kernel, size, strict=True
        )
    )
    with _Attributes() as attributes:
        description = created(
            "pooling_forward_primitive_desc_create",
            engine(),
            FORWARD_INFERENCE,
            ALG_MAX_POOL,
            source.handle,
            target.handle,
            dims(step.strides),
            dims(step.kernel),
            dims((0, 0)),
            dims((0, 0)),
            dims(ends),
            attributes.sealed(),
        )
    return Primitive(description)


def reorder(source: Layout, target: Layout, *, scaled: bool = False) -> Primitive:
    """Return what copies from one layout and number format to another.

    Parameters
    ----------
    source, target : how they lie
    scaled : the target is integers, given with their scale
    """
    with _Attributes() as attributes:
        if scaled:
            attributes.scale(ARG_DST)
        description = created(
            "reorder_primitive_desc_create",
            source.handle,
            engine(),
            target.handle,
            engine(),
            attributes.sealed(),
        )
    return Primitive(description)


def check_bfloat16() -> None:
    """Raise BackendError if oneDNN has no convolution in bfloat16 for this processor."""
    bias = np.zeros(16, np.float32)
    step = Convolution(0, 1, np.zeros((16, 16, 1, 1), np.float32), bias, (1, 1), (0, 0))
    pixel = channels_last((1, 16, 1, 1), BFLOAT16)
    try:
        convolution(step, (pixel, any_layout(step.weight.shape, BFLOAT16)), pixel)
    except BackendError as exc:
        raise BackendError(
            "runtime.no_bfloat16",
            "this processor does not compute in bfloat16; auto and float32 do without",
        ) from exc
