"""``python -m skvae``."""

from skvae.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
