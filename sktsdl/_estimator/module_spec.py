"""All that an architecture may ask to build its module."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModuleSpec:
    """All that an architecture may ask to build its module.

    Parameters
    ----------
    n_channels : int
        The channels of a step, after embeddings and patches.
    n_steps : int
        The steps of a window, or the patches if `patch_size` is more than 1.
    n_outputs : int
        The outputs of the module.
    n_targets : int
        The columns of `y` that the module predicts.
    n_values : int
        The outputs for each target, such as the number of quantiles; the outputs of
        one target stand together.
    median_index : int
        Which of these is the prediction of the target.
    patch_size : int
        The steps in a patch.
    n_known : int
        The channels that are known of each step ahead, 0 if there are none.
    target_steps : tuple of int
        For each column of `y`, its step ahead, counted from 0.
    targets : tuple of int
        For each column, which of the targets of a step it is.
    target_channels : tuple of int or None
        For each column, the channel whose future it is, if that is known.
    embedded, known_embedded : tuple of int
        The widths of the embeddings of categorical columns, which are the last channels
        of a step, before patches, and the last of the known channels.
    static : tuple of int
        Which of the known columns are static. A column is one channel, or an embedding.
    """

    n_channels: int
    n_steps: int
    n_outputs: int
    n_targets: int
    n_values: int = 1
    median_index: int = 0
    patch_size: int = 1
    n_known: int = 0
    target_steps: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()
    target_channels: tuple[int, ...] | None = None
    embedded: tuple[int, ...] = ()
    known_embedded: tuple[int, ...] = ()
    static: tuple[int, ...] = ()

    @property
    def n_ahead(self) -> int:
        """The number of steps ahead."""
        return max(self.target_steps, default=-1) + 1

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each column of the window, of one step."""
        n_channels = self.n_channels // self.patch_size
        return (1,) * (n_channels - sum(self.embedded)) + self.embedded

    @property
    def known_widths(self) -> tuple[int, ...]:
        """The channels of each known column."""
        n_numeric = self.n_known - sum(self.known_embedded)
        return (1,) * n_numeric + self.known_embedded
