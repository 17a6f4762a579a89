"""The kernels of `MiniRocket`; the equations are in its Notes."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from sktsdl._windows.windows import Windows

LENGTH = 9
KERNELS = list(combinations(range(LENGTH), 3))  # where the weight is 2, and not -1
MOST_STEPS = 255  # that a byte can count


def choose_kernels(
    windows: Windows,
    complete: np.ndarray,
    *,
    n_each: int,
    max_dilations: int,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray]:
    """Choose what `write_features` needs, by training windows.

    Parameters
    ----------
    windows : Windows
        The training windows.
    complete : ndarray of int
        Which of them have no unknown history.
    n_each : int
        The number of features of each kernel.
    max_dilations : int
        The most dilations.
    random : RandomState
        Draws windows and channels.

    Returns
    -------
    dilations, counts : ndarray of shape (n_dilations,)
        The dilations, and the number of features that a kernel has with each.
    channels : list of ndarray
        The channels of each dilation and kernel.
    biases : ndarray of shape (84 * n_each,)
        The threshold of each feature.
    """
    _, window, n_channels = windows.shape
    dilations, counts = _dilations(window, n_each, max_dilations)
    # Multiples of the golden ratio: any part of them is spread evenly.
    golden = (np.sqrt(5) + 1) / 2
    levels = np.arange(1, len(KERNELS) * n_each + 1) * golden % 1
    channels, biases, start = [], [], 0
    for dilation, count in zip(dilations, counts, strict=True):
        chosen = random.choice(complete, len(KERNELS))
        parts = _parts(np.asarray(windows[chosen]), int(dilation))
        for k, kernel in enumerate(KERNELS):
            exponent = random.uniform(0, np.log2(min(n_channels, LENGTH) + 1))
            of_kernel = random.choice(n_channels, int(2**exponent), replace=False)
            output = _convolve(parts[..., k], kernel, of_kernel)
            levels_of_kernel = levels[start : start + count]
            biases.append(np.quantile(output, levels_of_kernel).astype(np.float32))
            channels.append(of_kernel)
            start += count
    return dilations, counts, channels, np.concatenate(biases)


def write_features(
    values: np.ndarray,
    dilations: np.ndarray,
    counts: np.ndarray,
    channels: Sequence[np.ndarray],
    biases: np.ndarray,
    *,
    out: np.ndarray,
) -> None:
    """Write the features of windows to `out`.

    **Shape**: (n, window, channels) -> (n, len(biases))
    """
    window, start, of_kernels = values.shape[1], 0, iter(channels)
    for i, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
        parts = _parts(values, int(dilation))
        n_padded = LENGTH // 2 * int(dilation)
        for k, kernel in enumerate(KERNELS):
            output = _convolve(parts, kernel, next(of_kernels))
            if (i + k) % 2 and window >= LENGTH:
                output = output[n_padded : window - n_padded]
            features = slice(start, start + count)
            n_above = _count_above(output, biases[features])
            np.divide(n_above.T, len(output), out=out[:, features])  # (2)
            start += count


def _dilations(
    window: int, n_each: int, max_dilations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the dilations, and how many of the `n_each` features each of them has."""
    most = min(n_each, max_dilations)
    exponent = np.log2(max((window - 1) / (LENGTH - 1), 1))
    spaced = np.logspace(0, exponent, most, base=2).astype(int)
    dilations, counts = np.unique(spaced, return_counts=True)
    counts = (counts * (n_each / most)).astype(int)
    n_left = n_each - counts.sum()
    counts += n_left // len(counts)
    counts[: n_left % len(counts)] += 1
    return dilations, counts


def _parts(values: np.ndarray, dilation: int) -> np.ndarray:
    """Return the parts of which the outputs of all kernels are sums.

    These are three times the steps under each weight, and minus their sum. The step in
    the middle is subtracted from each. This changes no output, as the weights of a
    kernel sum to 0, and float32 loses nothing to the level of a window.

    **Shape**: (n, window, channels) -> (10, channels, window, n)
    """
    steps = np.ascontiguousarray(values.transpose(2, 1, 0))
    n_channels, window, n = steps.shape
    n_padded = LENGTH // 2 * dilation
    padded = np.zeros((n_channels, window + 2 * n_padded, n), steps.dtype)
    padded[:, n_padded : n_padded + window] = steps
    parts = np.empty((LENGTH + 1, n_channels, window, n), np.float32)
    for j in range(LENGTH):
        shifted = padded[:, j * dilation : j * dilation + window]
        np.subtract(shifted, steps, out=parts[j])
    parts[LENGTH] = -parts[:LENGTH].sum(axis=0)
    parts[:LENGTH] *= 3
    return parts


def _convolve(
    parts: np.ndarray, kernel: tuple[int, ...], channels: np.ndarray
) -> np.ndarray:
    """Return the outputs of a kernel.

    **Shape**: (10, channels, window, ...) -> (window, ...)
    """
    terms = [parts[j, channel] for channel in channels for j in (LENGTH, *kernel)]
    output: np.ndarray = terms[0] + terms[1]
    for term in terms[2:]:
        output += term  # (1)
    return output


def _count_above(output: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Count the steps at which the output is above each bias.

    **Shape**: (steps, n), (biases,) -> (biases, n)
    """
    total = np.zeros((len(biases), output.shape[1]), np.int64)
    for start in range(0, len(output), MOST_STEPS):
        part = output[start : start + MOST_STEPS]
        above = (part > biases[:, None, None]).view(np.uint8)
        # As bytes they are summed faster than as booleans, which become integers.
        total += np.add.reduce(above, axis=1, dtype=np.uint8)
    return total
