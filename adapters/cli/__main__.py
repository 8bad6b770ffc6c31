"""The program by `python -m exactfit.adapters.cli`, for where its script is not on the path."""

from .app import main

if __name__ == "__main__":
    main()
