"""Front door."""

def main() -> int:
    return 0
