"""Modules that two or more architectures use."""
