"""What a packed node is: 8 bytes if the rows are float32 and the tree is small, 16 bytes otherwise.

Both exist in `walk.h` too, which explains them. A threshold that is NaN carries a number in its lowest bits: a leaf's
its leaf number, a node of categories that of its set.
"""

import numpy as np

NARROW = np.dtype([("threshold", "<f4"), ("link", "<u4")])
"""A node of 8 bytes. ``link``: the left child in 22 bits, missing values go left in one, the feature in nine."""
NARROW_NODES = 1 << 22
NARROW_FEATURES = 1 << 9
NARROW_MISSING_LEFT = 1 << 22
NARROW_FEATURE = 23
"""How far the feature is shifted."""
NARROW_LEAF = 0x7FC00000

WIDE = np.dtype([("threshold", "<f8"), ("child", "<u4"), ("link", "<u4")])
"""A node of 16 bytes. ``link``: the feature in 30 bits, by category in one, missing values go left in one."""
WIDE_NODES = 1 << 32
WIDE_FEATURES = 1 << 30
WIDE_CATEGORICAL = 1 << 30
WIDE_MISSING_LEFT = 1 << 31
WIDE_NUMBERED = 0x7FF8000000000000

CATEGORIES = 255
"""Categories are whole numbers below it; in a set of 256 bits the last one is for missing and unknown values."""
