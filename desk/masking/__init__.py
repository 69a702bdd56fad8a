"""Takes secrets out of what people write, the same for whoever keeps it; pure."""

from desk.masking.finding import Mask, Masked, fold, mask_secrets
from desk.masking.shapes import Shape, shape_of
from desk.masking.words import Words, load_words, read_words

__all__ = [
    "Mask",
    "Masked",
    "Shape",
    "Words",
    "fold",
    "load_words",
    "mask_secrets",
    "read_words",
    "shape_of",
]
