# Steps from what Python says of them.

cdef list separated(object steps):
    """The steps one by one: a residual's between its fork and its join, and an activation whose gradient takes
    its input, or that is a function of Python, as a step of its own.
    """
    cdef list found = []
    for step in map(tuple, steps):
        if step[:1] == ("dense",) and step[2:3] and not (isinstance(step[2], str) and step[2] not in FROM_INPUT):
            found += [(*step[:2], "identity", *step[3:]), *separated([("activation", step[2])])]
        elif step[:1] == ("activation",) and step[1:] and not isinstance(step[1], str):
            found.append(("function", *step[1:]))
        elif step[:1] == ("residual",) and len(step) == 2:
            found += [("fork",), *separated(step[1]), ("join",)]
        else:
            found.append(step)
    return found


cdef int describe_step(Step* step, tuple description) except -1:
    """Fill in a step from ("dense", outputs, activation), with False after it where there is no bias,
    ("activation", name), ("rescale", scale, offset), ("normalize", mean, std), ("dropout", rate),
    ("layer_norm", epsilon), ("batch_norm", momentum, epsilon), ("fork",), ("join",) or ("function", what Python does).
    """
    name = description[0] if description else None
    step.activation = IDENTITY
    step.outputs = step.inputs
    step.weight_rows = 0
    step.biased = True
    step.scale = 1
    step.offset = 0
    if name == "dense" and 3 <= len(description) <= 4:
        step.kind = &dense_kind
        step.outputs = description[1]
        step.weight_rows = step.inputs
        step.activation = place_of("activation", description[2], ACTIVATIONS)
        step.biased = description[3] if len(description) == 4 else True
    elif name == "activation" and len(description) == 2:
        step.activation = place_of("activation", description[1], ACTIVATIONS)
        step.kind = &activation_kind
        if description[1] in FROM_INPUT:
            step.kind = &input_activation_kind
    elif name == "rescale" and len(description) == 3:
        step.kind = &rescale_kind
        step.scale = <real><double>description[1]
        step.offset = <real><double>description[2]
    elif name == "normalize" and len(description) == 3:
        describe_normalize(step, description[1], description[2])
    elif name == "dropout" and len(description) == 2:
        describe_dropout(step, description[1])
    elif name == "layer_norm" and len(description) == 2:
        describe_layer_norm(step, description[1])
    elif name == "batch_norm" and len(description) == 3:
        describe_batch_norm(step, description[1], description[2])
    elif name == "fork" and len(description) == 1:
        step.kind = &fork_kind
    elif name == "function" and len(description) == 2 and hasattr(description[1], "value"):
        step.kind = &function_kind
    elif name == "join" and len(description) == 1:
        step.kind = &join_kind
    else:
        raise ValueError(f"steps: {description!r} is no step that this network knows")
    if step.outputs < 1:
        raise ValueError(f"steps: {description!r} has {step.outputs} outputs, wanted at least 1")
    return 0
