"""Python imports this when it starts: migrations make millions of objects that all live, and looking through them for
garbage takes half of the time."""

import gc

gc.set_threshold(200_000, 50, 1000)
