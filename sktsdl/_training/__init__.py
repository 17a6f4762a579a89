"""A module and tensors in, a trained net out."""
