"""Why a request does not fit, what would make it fit, and when it will."""
