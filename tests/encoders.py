"""The parts of Transformer encoders in numpy, with the weights of torch's layers."""

import numpy as np
import torch


def linear(x, layer):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def gelu(x):
    return x * (1 + torch.erf(torch.from_numpy(x / np.sqrt(2))).numpy()) / 2


def attention(x, attn, n_heads):
    """Return the output and the mean weights, for one series of tokens."""
    weight, bias = (
        p.detach().numpy() for p in (attn.in_proj_weight, attn.in_proj_bias)
    )
    parts = np.split(x @ weight.T + bias, 3, axis=1)
    heads, found = [], []
    for q, k, v in zip(*(np.split(m, n_heads, axis=1) for m in parts), strict=True):
        scores = np.exp(q @ k.T / np.sqrt(q.shape[1]))
        found.append(scores / scores.sum(axis=1, keepdims=True))
        heads.append(found[-1] @ v)
    return linear(np.hstack(heads), attn.out_proj), np.mean(found, axis=0)
