"""The columns that a module is given, by their names."""

from sktsdl._estimator.specs import FittedSpec
from sktsdl._layers.known_ahead import SplitKnown
from sktsdl._sklearn.target_steps import known_ahead


def names_of_variables(fitted: FittedSpec) -> list[tuple[str, str]]:
    """Return the kind and the name of each variable, in the order of the module.

    The kinds are "past", "known" and "static", in this order. A column that is known
    ahead has the name of its values of now.
    """
    names, codes = fitted.inputs.shown_names, fitted.channels.codes
    known = fitted.known
    past = [at for at in range(len(names)) if at not in fitted.taken]
    past.sort(key=lambda channel: channel in codes)  # embeddings come last
    found = [("past", names[channel]) for channel in past]
    if known is None:
        return found
    bases = {at: base for at, (base, _) in known_ahead(names).items()}
    n_codes = [fitted.channels.n_codes(channel) for channel in known.channels[0]]
    numeric, coded = SplitKnown.kinds(n_codes)
    of_known: dict[str, list[tuple[str, str]]] = {"known": [], "static": []}
    for column in numeric + coded:
        channel = known.channels[0][column]
        is_static = known.is_static[column]
        name = names[channel if is_static else bases.get(channel, channel)]
        kind = "static" if is_static else "known"
        of_known[kind].append((kind, name))
    return found + of_known["known"] + of_known["static"]
