# The table of the kinds of step: a new one is its own file, included here, and its `Kind` in the table. Below it,
# steps are made from their descriptions in Python.

include "steps.pxi"
include "dense.pxi"
include "residual.pxi"
include "normalize.pxi"
include "dropout.pxi"
include "normalization.pxi"
include "layer_norm.pxi"
include "batch_norm.pxi"
include "scale.pxi"
include "parametric.pxi"
include "clip.pxi"
include "columns.pxi"
include "members.pxi"
include "embedding.pxi"
include "periodic.pxi"
include "piecewise.pxi"

cdef const Kind* kinds[19]
kinds[:] = [
    &dense_kind,
    &activation_kind,
    &rescale_kind,
    &normalize_kind,
    &fork_kind,
    &join_kind,
    &function_kind,
    &dropout_kind,
    &layer_norm_kind,
    &batch_norm_kind,
    &scale_kind,
    &parametric_kind,
    &clip_kind,
    &embedding_kind,
    &periodic_kind,
    &piecewise_kind,
    &members_kind,
    &member_affine_kind,
    &member_dense_kind,
]


cdef list separated(object steps):
    """The steps one by one: a residual's between its fork and its join, and an activation whose gradient takes
    its input, or that is a Python function, as a separate step.
    """
    cdef list plan = []
    for step in map(tuple, steps):
        if step[:1] in (("dense",), ("member_affine",)) and step[2:3] and not (isinstance(step[2], str) and step[2] not in FROM_INPUT):
            plan += [(*step[:2], "identity", *step[3:]), *separated([("activation", step[2])])]
        elif step[:1] == ("activation",) and step[1:] and not isinstance(step[1], str):
            plan.append(("function", *step[1:]))
        elif step[:1] == ("residual",) and len(step) == 2:
            plan += [("fork",), *separated(step[1]), ("join",)]
        else:
            plan.append(step)
    return plan


cdef int describe_step(Step* step, tuple description) except -1:
    """Fill in a step from the name of its kind and what that kind's `describe` takes."""
    cdef Py_ssize_t arguments = len(description) - 1
    cdef const Kind* kind
    step.outputs = step.inputs
    step.biased = True
    step.copies = 1
    for kind in kinds:
        if arguments >= 0 and description[0] == kind.name.decode() and kind.fewest <= arguments <= kind.most:
            step.kind = kind
            if kind.describe != NULL:
                kind.describe(step, description[1:])
            break
    else:
        names = ", ".join([kind.name.decode() for kind in kinds])
        raise ValueError(f"steps: each must be of the kinds {names}, got {description!r}")
    if step.outputs < 1:
        raise ValueError(f"steps: outputs must be at least 1, got {step.outputs} of {description!r}")
    if not step.weight_columns:
        step.weight_columns = step.outputs
    return 0
