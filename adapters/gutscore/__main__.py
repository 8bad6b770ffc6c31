"""`python -m exactfit.adapters.gutscore -i FILE -wg N`: run a worker group."""

from .worker_group import main

if __name__ == "__main__":
    main()
