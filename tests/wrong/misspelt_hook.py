"""A plug-in whose hook has a name that artgan never calls."""

from artgan.api import Loss, hookimpl


@hookimpl
def artgan_loses():
    yield Loss("unheard", ":build", summary="never found")
