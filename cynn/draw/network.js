// What `cynn.Model` computes, in doubles: the forward pass, and the way back to the pixels.

function floats(text) {
  // of base64 of little-endian float32
  return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}

function decoded(network) {
  for (const layer of network.layers) {
    if (layer.weight) layer.weight = floats(layer.weight);
    if (layer.bias) layer.bias = floats(layer.bias);
  }
  return network;
}

const activations = {
  identity: (x) => x,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

const slopes = {
  // by the output y
  identity: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
};

function activated(name, x) {
  if (name !== "softmax") return x.map(activations[name]);
  const top = x.reduce((a, b) => Math.max(a, b));
  const parts = x.map((value) => Math.exp(value - top));
  const sum = parts.reduce((a, b) => a + b);
  return parts.map((part) => part / sum);
}

function activatedBackward(name, y, gradient) {
  if (name !== "softmax") return gradient.map((g, j) => g * slopes[name](y[j]));
  const mean = gradient.reduce((sum, g, j) => sum + g * y[j], 0);
  return gradient.map((g, j) => y[j] * (g - mean));
}

function layerForward(layer, x) {
  if (layer.kind === "rescale") return x.map((value) => value * layer.scale + layer.offset);
  if (layer.kind === "activation") return activated(layer.activation, x);
  if (layer.kind !== "dense") return x; // in use it changes nothing
  const y = layer.bias ? Float64Array.from(layer.bias) : new Float64Array(layer.units);
  x.forEach((value, i) => {
    if (value === 0) return; // most pixels
    const row = i * layer.units;
    for (let j = 0; j < layer.units; j++) y[j] += value * layer.weight[row + j];
  });
  return activated(layer.activation, y);
}

function layerBackward(layer, x, y, gradient) {
  if (layer.kind === "rescale") return gradient.map((g) => g * layer.scale);
  if (layer.kind === "activation") return activatedBackward(layer.activation, y, gradient);
  if (layer.kind !== "dense") return gradient;
  const inner = activatedBackward(layer.activation, y, gradient);
  return x.map((_, i) => {
    const row = i * layer.units;
    return inner.reduce((sum, g, j) => sum + g * layer.weight[row + j], 0);
  });
}

// The output of every layer, and the gradient of the largest of the last with respect to the input.
function answerOf(network, pixels) {
  const x = Float64Array.from(pixels, (pixel) => (pixel * network.white) / 255);
  const layers = [];
  for (const layer of network.layers) layers.push(layerForward(layer, layers.at(-1) ?? x));
  const outputs = layers.at(-1);
  const best = outputs.indexOf(Math.max(...outputs));
  let gradient = outputs.map((_, j) => (j === best ? 1 : 0));
  for (let i = layers.length - 1; i >= 0; i--) {
    gradient = layerBackward(network.layers[i], layers[i - 1] ?? x, layers[i], gradient);
  }
  return { layers, outputs, saliency: gradient };
}
