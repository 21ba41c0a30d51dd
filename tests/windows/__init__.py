"""Windows: what tests need there, and the sources of the Python that runs under Wine."""
