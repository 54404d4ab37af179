"""One neuron, a layer of neurons, layers in a row: start reading here.

A neuron takes some numbers, multiplies each by a weight, adds the products up, adds one more number
(the bias), and passes the sum through a function (the activation). That is all it does. Everything
else in this package is the same thing done to many neurons at once, and a way to find weights that
are good for something.

`cynn.reference` says in which order to read on.
"""

from collections.abc import Callable, Sequence


def step(z: float) -> float:
    """Fire or do not: 1 if `z` is positive, otherwise 0.

    The oldest activation (Rosenblatt, 1958). It cannot be trained by the methods of this package,
    because it is flat everywhere: a small change of a weight changes nothing. `activations` has
    those that can.

    Examples
    --------
    >>> step(0.3), step(-2.0)
    (1.0, 0.0)
    """
    return 1.0 if z > 0.0 else 0.0


class Neuron:
    """One neuron: ``activation(weights[0]*inputs[0] + weights[1]*inputs[1] + … + bias)``.

    Parameters
    ----------
    weights : sequence of float
        How much each input counts, and in which direction. One for each input.
    bias : float
        What the neuron adds to the sum of its weighted inputs; it moves the point where it fires.
    activation : callable
        The function of one number that makes the neuron's output.

    Examples
    --------
    A neuron that fires when both of its inputs do:

    >>> both = Neuron([1.0, 1.0], -1.5, step)
    >>> [both.output(inputs) for inputs in ([0, 0], [0, 1], [1, 0], [1, 1])]
    [0.0, 0.0, 0.0, 1.0]
    """

    def __init__(
        self, weights: Sequence[float], bias: float, activation: Callable[[float], float]
    ) -> None:
        self.weights = list(weights)
        self.bias = bias
        self.activation = activation

    def output(self, inputs: Sequence[float]) -> float:
        """Return the neuron's answer to its inputs.

        Parameters
        ----------
        inputs : sequence of float
            One number for each weight.

        Returns
        -------
        float
            The activation of the weighted sum.

        Raises
        ------
        ValueError
            If there are more or fewer inputs than weights.
        """
        if len(inputs) != len(self.weights):
            raise ValueError(f"inputs must be {len(self.weights)} numbers, got {len(inputs)}")
        z = self.bias
        for weight, value in zip(self.weights, inputs, strict=True):
            z += weight * value
        return self.activation(z)


class Layer:
    """Neurons side by side: all see the same inputs, each gives one output.

    Parameters
    ----------
    neurons : sequence of Neuron
        The neurons, in the order of the outputs.

    Examples
    --------
    >>> either = Neuron([1.0, 1.0], -0.5, step)
    >>> both = Neuron([1.0, 1.0], -1.5, step)
    >>> Layer([either, both]).outputs([0, 1])
    [1.0, 0.0]
    """

    def __init__(self, neurons: Sequence[Neuron]) -> None:
        self.neurons = list(neurons)

    def outputs(self, inputs: Sequence[float]) -> list[float]:
        """Return the output of every neuron of the layer.

        Parameters
        ----------
        inputs : sequence of float
            What every neuron of the layer sees.

        Returns
        -------
        list of float
            One number for each neuron.
        """
        return [neuron.output(inputs) for neuron in self.neurons]

    def matrix(self) -> tuple[list[list[float]], list[float]]:
        """Return the layer as a matrix of weights and a vector of biases.

        Column j of the matrix holds the weights of neuron j, so that a row of inputs times the
        matrix gives the weighted sums of all the neurons at once: ``outputs = f(inputs @ W + b)``.
        This is the form that the rest of the package, and every fast library, works in.

        Returns
        -------
        w : list of list of float
            One row for each input, one column for each neuron.
        b : list of float
            One bias for each neuron.

        Examples
        --------
        >>> layer = Layer([Neuron([1.0, 2.0, 3.0], 0.5, step), Neuron([4.0, 5.0, 6.0], -0.5, step)])
        >>> layer.matrix()
        ([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], [0.5, -0.5])

        The same answer both ways, here for a layer that only adds up:

        >>> from cynn.reference.backprop import dense_forward
        >>> layer = Layer([Neuron(n.weights, n.bias, lambda z: z) for n in layer.neurons])
        >>> w, b = layer.matrix()
        >>> out = [[0.0, 0.0]]
        >>> dense_forward([[1.0, 0.0, -1.0]], w, b, "identity", out)
        >>> out[0] == layer.outputs([1.0, 0.0, -1.0])
        True
        """
        n_inputs = len(self.neurons[0].weights)
        w = [[neuron.weights[i] for neuron in self.neurons] for i in range(n_inputs)]
        return w, [neuron.bias for neuron in self.neurons]


def forward_propagation(layers: Sequence[Layer], inputs: Sequence[float]) -> list[float]:
    """Compute the output of layers in a row: what one layer gives is what the next one sees.

    Parameters
    ----------
    layers : sequence of Layer
        From the one that sees `inputs` to the one that gives the answer.
    inputs : sequence of float
        What the first layer sees.

    Returns
    -------
    list of float
        What the last layer gives.

    Examples
    --------
    "Either, but not both" (exclusive or) is beyond any one neuron of this kind. Two layers can:

    >>> hidden = Layer([Neuron([1.0, 1.0], -0.5, step), Neuron([1.0, 1.0], -1.5, step)])
    >>> output = Layer([Neuron([1.0, -2.0], -0.5, step)])
    >>> [forward_propagation([hidden, output], i) for i in ([0, 0], [0, 1], [1, 0], [1, 1])]
    [[0.0], [1.0], [1.0], [0.0]]
    """
    for layer in layers:
        inputs = layer.outputs(inputs)
    return list(inputs)
