"""The layers of Transformer encoders."""

from typing import Literal

from torch import Tensor, nn

EncoderNorm = Literal["layer", "batch"]


def check_heads(nhead: int, name: str, width: int) -> None:
    """Raise a ValueError if heads cannot share the parameter `name` evenly."""
    if width % nhead:
        raise ValueError(
            f"nhead={nhead} does not divide {name}={width}: each head takes an equal "
            "part of the width."
        )


class StepBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of each feature, over all steps of all windows.

    **Shape**: (batch, time, features) -> (batch, time, features)
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def encoder_norm(norm: EncoderNorm, d_model: int) -> nn.Module:
    """Return the normalisation of (batch, time, d_model)."""
    return StepBatchNorm(d_model) if norm == "batch" else nn.LayerNorm(d_model)


class EncoderLayer(nn.TransformerEncoderLayer):
    """A layer of torch with a choice of norm, which shows its attention weights.

    **Shape**: (batch, time, d_model) -> (batch, time, d_model)

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, norm_first
        As for the layer of torch.
    norm : {"layer", "batch"}
        The normalisation.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        *,
        activation: str,
        norm_first: bool,
        norm: EncoderNorm = "layer",
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            batch_first=True,
            norm_first=norm_first,
        )
        self.is_batch_normed = norm == "batch"
        if self.is_batch_normed:
            self.norm1 = encoder_norm(norm, d_model)  # type: ignore[assignment]
            self.norm2 = encoder_norm(norm, d_model)  # type: ignore[assignment]

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        if self.is_batch_normed:  # torch's fast kernel knows layer norm only
            return self.of_steps(src, slice(None), src_mask)
        return super().forward(src, src_mask, src_key_padding_mask, is_causal)

    def of_steps(
        self, h: Tensor, steps: slice | Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Return the output for some steps, which attend to all steps."""
        u = self.norm1(h) if self.norm_first else h
        attended = self.self_attn(u[:, steps], u, u, attn_mask=mask, need_weights=False)
        h = h[:, steps] + self.dropout1(attended[0])
        if not self.norm_first:
            h = self.norm1(h)
        dense = self.linear1(self.norm2(h) if self.norm_first else h)
        dense = self.linear2(self.dropout(self.activation(dense)))
        h = h + self.dropout2(dense)
        return h if self.norm_first else self.norm2(h)

    def attention_weights(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, time, d_model) -> (batch, time, time), the mean over the heads"""
        u = self.norm1(h) if self.norm_first else h
        weights: Tensor = self.self_attn(u, u, u, attn_mask=mask)[1]
        return weights
