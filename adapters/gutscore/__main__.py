"""`python -m exactfit.adapters.gutscore -i FILE -wg N`: run a worker group."""

from .command import main

if __name__ == "__main__":
    main()
