"""The network in NumPy, forward and backward. Activations are [n, height, width, channels] inside, so that a
convolution is one matrix product over its patches; export.py turns the weights to ONNX's order."""

import numpy as np

SMOOTHING = 0.05  # of the labels: keeps the probabilities off 0 and 1, where every error would round away
EPSILON = 1e-5  # of BatchNormalization


def build(rng):
    return Network(
        stem=[
            Conv(rng, 5, 1, 16),
            BatchNorm(16),
            Relu(),
            MaxPool(),
            Conv(rng, 3, 16, 32),
            BatchNorm(32),
            Relu(),
            MaxPool(),
        ],
        branch=[Conv(rng, 3, 32, 32), BatchNorm(32)],
        head=[Relu(), Flatten(), Gemm(rng, 7 * 7 * 32, 32), Relu(), Gemm(rng, 32, 10)],
    )


class Network:
    """stem, then branch(x) + x, then head; softmax and cross-entropy on top."""

    def __init__(self, stem, branch, head):
        self.stem, self.branch, self.head = stem, branch, head

    def parameters(self):
        return [parameter for layer in self.stem + self.branch + self.head for parameter in layer.parameters()]

    def logits(self, images, training):
        x = np.moveaxis(images, 1, 3)
        for layer in self.stem:
            x = layer.forward(x, training)
        y = x
        for layer in self.branch:
            y = layer.forward(y, training)
        x = x + y
        for layer in self.head:
            x = layer.forward(x, training)
        return x

    def probabilities(self, images, batch=200):
        return np.concatenate(
            [softmax(self.logits(images[i : i + batch], False)) for i in range(0, len(images), batch)]
        )

    def learn(self, images, labels):
        """One forward and backward pass; leaves the gradients in the parameters. Returns (mean loss, share right)."""
        n = len(labels)
        p = softmax(self.logits(images, True))
        target = np.full_like(p, SMOOTHING / p.shape[1])
        target[np.arange(n), labels] += 1 - SMOOTHING
        gradient = (p - target) / n
        for layer in reversed(self.head):
            gradient = layer.backward(gradient)
        skip = gradient
        for layer in reversed(self.branch):
            gradient = layer.backward(gradient)
        gradient = gradient + skip
        for layer in reversed(self.stem):
            gradient = layer.backward(gradient)
        return float(-(target * np.log(p + 1e-12)).sum() / n), float((p.argmax(1) == labels).mean())


class Parameter:
    def __init__(self, value):
        self.value = value.astype(np.float32)
        self.gradient = np.zeros_like(self.value)


class Layer:
    def parameters(self):
        return [value for value in vars(self).values() if isinstance(value, Parameter)]


class Conv(Layer):
    """Square kernel, stride 1, padded to keep the size, no bias (a BatchNorm follows).

    weight: [kernel * kernel * inputs, outputs]."""

    def __init__(self, rng, kernel, inputs, outputs):
        self.kernel, self.inputs, self.outputs = kernel, inputs, outputs
        fan_in = kernel * kernel * inputs
        self.weight = Parameter(rng.standard_normal((fan_in, outputs)) * np.sqrt(2 / fan_in))

    def forward(self, x, training):
        n, height, width, channels = x.shape
        k, pad = self.kernel, self.kernel // 2
        padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        patches = np.empty((n, height, width, k, k, channels), np.float32)
        for i in range(k):
            for j in range(k):
                patches[:, :, :, i, j] = padded[:, i : i + height, j : j + width]
        patches = patches.reshape(n * height * width, k * k * channels)
        self.patches, self.shape = (patches, x.shape) if training else (None, None)
        return (patches @ self.weight.value).reshape(n, height, width, self.outputs)

    def backward(self, gradient):
        n, height, width, channels = self.shape
        k, pad = self.kernel, self.kernel // 2
        gradient = gradient.reshape(-1, self.outputs)
        self.weight.gradient = self.patches.T @ gradient
        if channels == 1:  # the first layer: nobody needs the picture's gradient
            return None
        spread = (gradient @ self.weight.value.T).reshape(n, height, width, k, k, channels)
        padded = np.zeros((n, height + 2 * pad, width + 2 * pad, channels), np.float32)
        for i in range(k):
            for j in range(k):
                padded[:, i : i + height, j : j + width] += spread[:, :, :, i, j]
        return padded[:, pad : pad + height, pad : pad + width]


class BatchNorm(Layer):
    """Over all but the channel axis (Ioffe and Szegedy 2015); the running figures are what the exported file uses."""

    def __init__(self, channels):
        self.scale, self.shift = Parameter(np.ones(channels)), Parameter(np.zeros(channels))
        self.mean, self.variance = np.zeros(channels, np.float32), np.ones(channels, np.float32)

    def forward(self, x, training):
        if not training:
            return (x - self.mean) * (self.scale.value / np.sqrt(self.variance + EPSILON)) + self.shift.value
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        self.mean += 0.05 * (mean - self.mean)
        self.variance += 0.05 * (variance - self.variance)
        self.inverse = 1 / np.sqrt(variance + EPSILON)
        self.unit = (x - mean) * self.inverse
        return self.unit * self.scale.value + self.shift.value

    def backward(self, gradient):
        self.scale.gradient = (gradient * self.unit).sum((0, 1, 2))
        self.shift.gradient = gradient.sum((0, 1, 2))
        count = gradient.size // gradient.shape[-1]
        centred = gradient - self.shift.gradient / count - self.unit * (self.scale.gradient / count)
        return centred * (self.scale.value * self.inverse)


class Relu(Layer):
    def forward(self, x, training):
        y = np.maximum(x, 0)
        self.open = y > 0
        return y

    def backward(self, gradient):
        return gradient * self.open


class MaxPool(Layer):
    """2 x 2, stride 2. Equal maxima share the gradient."""

    def forward(self, x, training):
        n, height, width, channels = x.shape
        cells = x.reshape(n, height // 2, 2, width // 2, 2, channels)
        y = cells.max((2, 4), keepdims=True)
        if training:
            self.share = (cells == y).astype(np.float32)
            self.share /= self.share.sum((2, 4), keepdims=True)
        return y[:, :, 0, :, 0]

    def backward(self, gradient):
        cells = self.share * gradient[:, :, None, :, None]
        n, rows, _, columns, _, channels = cells.shape
        return cells.reshape(n, rows * 2, columns * 2, channels)


class Flatten(Layer):
    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


class Gemm(Layer):
    """weight: [inputs, outputs]."""

    def __init__(self, rng, inputs, outputs):
        self.weight = Parameter(rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs))
        self.bias = Parameter(np.zeros(outputs))

    def forward(self, x, training):
        self.x = x
        return x @ self.weight.value + self.bias.value

    def backward(self, gradient):
        self.weight.gradient = self.x.T @ gradient
        self.bias.gradient = gradient.sum(0)
        return gradient @ self.weight.value.T


class Adam:
    """Kingma and Ba 2015; the weight decay apart (Loshchilov and Hutter 2019) and off for biases and norms."""

    def __init__(self, parameters, decay=0.02):
        self.parameters, self.decay, self.count = parameters, decay, 0
        self.first = [np.zeros_like(parameter.value) for parameter in parameters]
        self.second = [np.zeros_like(parameter.value) for parameter in parameters]

    def step(self, rate):
        self.count += 1
        rate_now = rate * np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        for parameter, first, second in zip(self.parameters, self.first, self.second):
            first += 0.1 * (parameter.gradient - first)
            second += 0.001 * (parameter.gradient**2 - second)
            if parameter.value.ndim > 1:
                parameter.value *= np.float32(1 - rate * self.decay)
            parameter.value -= (rate_now * first / (np.sqrt(second) + 1e-8)).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
