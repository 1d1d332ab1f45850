"""Files of a data set: pictures, lists and the places that ids name. Each is read here alone, and a fault names it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

# What may lie under a picture's name, whatever its suffix. Pillow knows many more; some of them run programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
LOSSLESS = ("PNG", "BMP")
MOST_PIXELS = 2**26  # 8192×8192: far above any picture of a known set, and 200 MB when decoded

_Turn = Image.Transpose
_TURNS = {
    2: _Turn.FLIP_LEFT_RIGHT, 3: _Turn.ROTATE_180, 4: _Turn.FLIP_TOP_BOTTOM, 5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270, 7: _Turn.TRANSVERSE, 8: _Turn.ROTATE_90,
}  # fmt: skip
_EXIF = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")  # where Pillow puts what tells the orientation


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file; ValueError naming the file if opening it, or what Pillow does in the block, fails."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.height}×{image.width} pixels, more than {MOST_PIXELS:,}")
            yield image
    except Exception as error:
        # Pillow reports damage by nearly any exception; which one depends on the byte that is wrong.
        raise ValueError(
            f"{path}: cannot be read, the file may be damaged, cut short, far too large or no PNG or JPEG "
            f"({error or type(error).__name__}): copy it again"
        ) from error


def picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture by its header, upright. Raises ValueError naming the file."""
    with _opened(path) as image:
        return (image.width, image.height) if _orientation(image) >= 5 else (image.height, image.width)


def picture(path: Path, lossless: bool = False) -> Image.Image:
    """A picture, decoded, and upright as its EXIF says.

    Args:
        lossless: refuse JPEG and WEBP, which change the indices of a label map.
    Raises:
        ValueError naming the file, for any damage.
    """
    with _opened(path) as image:
        form = image.format
        image.load()
        turn = _TURNS.get(_orientation(image))
        upright = image if turn is None else image.transpose(turn)
    if lossless and form not in LOSSLESS:
        raise ValueError(
            f"{path}: a label map in {form}, which blurs class indices: take the original, or make it anew as PNG"
        )
    return upright


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none or it cannot be read, as viewers have it."""
    if not any(key in image.info for key in _EXIF):
        return 1
    try:
        # Not PngImageFile's own, which would decode the picture first.
        return int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged note does not make a bad picture
        return 1


def rgb_picture(path: Path) -> Image.Image:
    """A picture in 8-bit RGB, upright. Of 16-bit grey the upper byte counts, as Pillow has it for 16-bit colour.

    Raises:
        ValueError naming the file: damage, transparent pixels, grey of an unknown range.
    """
    image = picture(path)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        if 0 < values.max() < 256:
            raise ValueError(f"{path}: 16-bit grey with no value above {values.max()}: save it with 8 bits")
        image = Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"{path}: a picture of mode {image.mode}, expected 8 bits a channel: save it as 8-bit PNG")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] != 255:
        raise ValueError(f"{path}: some pixels are transparent, their colour is not defined: save it without alpha")
    return image.convert("RGB")


def text_of(path: Path) -> str:
    """A text file in UTF-8, with or without a byte order mark. Raises ValueError naming the file."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected a text file: copy it again")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in UTF-8 (byte 0x{error.object[error.start]:02x} at place {error.start}): "
            "save it as UTF-8, for example by iconv -f latin1 -t utf-8"
        ) from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error}): copy it again") from error
    if "\0" in text:
        raise ValueError(f"{path} is no text, it holds zero bytes: save it as UTF-8")
    return text


def lines_of(path: Path) -> list[str]:
    """Lines of a text file without the blanks around them, empty ones left out. Raises ValueError naming the file."""
    return [line.strip() for line in text_of(path).splitlines() if line.strip()]


class Shelf:
    """Files of one folder by their ids. What an id names lies in the folder: not above it, nor behind a link.

    The folder itself may be a link, to another disk for instance.
    """

    def __init__(self, folder: Path, suffix: str):
        self.folder, self.suffix = folder, suffix
        self._real = os.path.join(os.path.realpath(folder), "")
        self._checked: set[str] = set()

    def path(self, key: str) -> Path:
        return self.folder / f"{key}{self.suffix}"

    def size_of(self, key: str, listing: Path) -> int | None:
        """Bytes of the file, None if there is none. `listing`: the file that names the id.

        Raises ValueError, naming it, for an id that leads out of the folder.
        """
        parts = key.replace("\\", "/").split("/")
        if ".." in parts or os.path.isabs(key):
            raise ValueError(f"{self._out(key, listing)}: give ids relative to that folder, without '..'")
        path = f"{self.folder}/{key}{self.suffix}"
        try:
            found = os.lstat(path)
            above = os.path.dirname(path)
            if stat.S_ISLNK(found.st_mode) or (len(parts) > 1 and above not in self._checked):
                if not os.path.realpath(path).startswith(self._real):
                    raise ValueError(f"{self._out(key, listing)} by a link: copy the file into the folder")
                self._checked.add(above)
                found = os.stat(path)
        except OSError:  # none of this name, or a name too long to be one
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _out(self, key: str, listing: Path) -> str:
        return f"{listing}: the id {key!r} leads out of {self.folder}"
