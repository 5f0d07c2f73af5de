"""Pictures: every kind of file against known pixels, channels, tensors and back."""

import io
import struct
import sys
import zlib
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, UnidentifiedImageError

from cnn_basics import images
from cnn_basics.images import check_picture, check_range, read_image, resize, to_hwc, to_nchw

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY, ALPHA = RANDOM.integers(0, 256, (2, 5, 7), dtype=np.uint8)
ALPHA[0, :3] = 0, 128, 255
BLOCKS = np.kron(RGB, np.ones((8, 8, 1), dtype=np.uint8))  # large enough to be cut off
COLOURS = RGB[0, :4]
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def grey_rgb(grey):
    return np.dstack([grey] * 3)


def over_white(rgb, alpha):
    share = alpha[..., None] / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file without a suffix; gives the path."""

    def to_file(data):
        (tmp_path / "picture").write_bytes(data)
        return tmp_path / "picture"

    return to_file


def encoded(picture, kind="PNG", **options):
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def chunk(name, data, error=0):
    check = zlib.crc32(name + data) ^ error
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def png(pixels, colour_type, depth, before=b"", after=b""):
    """A PNG written by hand: Pillow cannot write 16 bits per colour, nor 1 to 4 bits of grey."""
    height, width = pixels.shape[:2]
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in pixels]
    else:
        bits = np.unpackbits(pixels.reshape(height, -1, 1), axis=2)[..., 8 - depth :]
        rows = [np.packbits(row.ravel()).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", packed) + after + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


GREY_16 = GREY.astype(np.uint16) * 256 + ALPHA
PIXELS = {  # what is stored, and what is read
    "RGB": (RGB, RGB),
    "L": (GREY, grey_rgb(GREY)),
    "1": (GREY > 127, grey_rgb((GREY > 127) * np.uint8(255))),
    "RGBA": (np.dstack([RGB, ALPHA]), over_white(RGB, ALPHA)),
    "LA": (np.dstack([GREY, ALPHA]), over_white(grey_rgb(GREY), ALPHA)),
    "I;16": (GREY_16, grey_rgb(GREY)),
}
KINDS = {"PNG": [*PIXELS], "TIFF": [*PIXELS], "BMP": ["RGB", "L", "1"], "PPM": ["RGB"]}
KINDS |= {"ICO": ["RGB"], "WEBP": ["RGB", "RGBA"], "JPEG2000": ["RGB", "L", "I;16"]}


UPRIGHT = {  # what turns a picture that is stored so upright (EXIF 2.3, page 36)
    1: lambda picture: picture,
    2: np.fliplr,
    3: lambda picture: np.rot90(picture, 2),
    4: np.flipud,
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: np.rot90(picture, -1),
    7: lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
    8: np.rot90,
    9: lambda picture: picture,  # which nobody knows
}


def files():
    """Name, bytes and expected pixels of files of every kind."""
    for kind, modes in KINDS.items():
        for mode, (orientation, turn) in product(modes, UPRIGHT.items()):
            stored, expected = PIXELS[mode]
            picture = Image.fromarray(stored, "LA") if mode == "LA" else stored
            options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
            if kind in ("PNG", "TIFF", "WEBP"):
                options["exif"], expected = exif(orientation), turn(expected)
            if options or orientation == 1:
                data = encoded(picture, kind, sizes=[(7, 5)], **options)  # sizes: only ICO's
                yield f"{mode} {kind} {orientation}", data, expected
    for orientation, turn in UPRIGHT.items():
        camera = encoded(BLOCKS, "JPEG", exif=exif(orientation))
        yield f"JPEG {orientation}", camera, turn(BLOCKS_IN_JPEG)
    for depth in (1, 2, 4):
        steps = GREY >> (8 - depth)
        yield f"{depth} bits", png(steps, 0, depth), grey_rgb(steps * (255 // (2**depth - 1)))
    indices = GREY % 4
    palette = Image.fromarray(indices, "P")
    palette.putpalette(COLOURS.tobytes())
    for alpha, transparency in [
        ([255] * 4, {}),
        ([255, 0, 255, 255], {"transparency": 1}),
        ([0, 100, 200, 255], {"transparency": bytes([0, 100, 200, 255])}),
    ]:
        expected = over_white(COLOURS[indices], np.array(alpha)[indices])
        yield f"palette {alpha}", encoded(palette, **transparency), expected
    gif = encoded(palette, "GIF", transparency=2)
    yield "GIF", gif, np.where(indices[..., None] == 2, 255, COLOURS[indices])
    expected = np.where((RGB[2, 3] == RGB).all(axis=2, keepdims=True), 255, RGB)
    yield "one colour", encoded(RGB, transparency=tuple(RGB[2, 3].tolist())), expected
    expected = grey_rgb(np.where(GREY[2, 3] == GREY, 255, GREY))
    yield "one grey", encoded(GREY, transparency=int(GREY[2, 3])), expected
    for ink, colour in [((0, 0, 0, 0), 255), ((0, 255, 255, 0), [255, 0, 0]), ((0, 0, 0, 255), 0)]:
        printed = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)
        yield f"CMYK {ink}", printed, np.broadcast_to(np.uint8(colour), (16, 16, 3))
    yield "16 bits RGB", png(RGB.astype(np.uint16) * 256 + RGB[::-1], 2, 16), RGB
    values = np.dstack([RGB, ALPHA]).astype(np.uint16) * 257
    yield "16 bits RGBA", png(values, 6, 16), over_white(RGB, ALPHA)
    others = [Image.fromarray(255 - BLOCKS), Image.new("RGB", (56, 40))]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        pages = encoded(BLOCKS, kind, lossless=True, save_all=True, append_images=others)
        assert Image.open(io.BytesIO(pages)).n_frames == 3
        yield f"pages {kind}", pages, BLOCKS
    for block in (b"", b"II*\0\xff\xff\xff\xff", b"\0\x08\0\2junk"):
        odd = {"exif": b"Exif\0\0" + block}
        yield f"PNG with {block}", encoded(RGB, **odd), RGB
        yield f"WEBP with {block}", encoded(RGB, "WEBP", lossless=True, **odd), RGB
        yield f"JPEG with {block}", encoded(BLOCKS, "JPEG", **odd), BLOCKS_IN_JPEG
    tall = chunk(b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0")
    for name, data, error in [
        (b"tEXt", b"a\0b", 1),
        (b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**24), 0),
        (b"iCCP", b"a\0\5junk", 0),
        (b"pHYs", b"a", 0),
    ]:
        broken = chunk(name, data, error)
        yield f"PNG after {name}", png(RGB, 2, 8, broken + tall), np.rot90(RGB, -1)
        yield f"PNG before {name}", png(RGB, 2, 8, after=broken), RGB


BLOCKS_IN_JPEG = np.asarray(Image.open(io.BytesIO(encoded(BLOCKS, "JPEG"))))


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*f[1:], id=f[0]) for f in files()])
def test_every_kind_of_file(write, recwarn, data, expected):
    picture = read_image(write(data))
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    np.testing.assert_array_equal(picture, expected)
    assert len(recwarn) == 0


def unfit():
    """Bytes of files that are refused, and the sentence."""
    no_rgb = r"holds pixels of a kind that has no plain RGB .* save it as an 8-bit PNG"
    for colour_type, shape in [(0, (5, 7)), (2, (5, 7, 3))]:
        values = RANDOM.integers(0, 65536, shape)
        colour = struct.pack(">H" if colour_type == 0 else ">HHH", *np.atleast_1d(values[0, 0]))
        yield png(values, colour_type, 16, chunk(b"tRNS", colour)), no_rgb
    for dtype in (np.float32, np.int32):
        yield encoded(GREY.astype(dtype), "TIFF"), no_rgb
    yield encoded(Image.frombytes("LAB", (7, 5), RGB.tobytes()), "TIFF"), no_rgb
    for data in (b"Words.", b"<svg/>", b"\xff\xfe\x00\x01", b"G"):
        yield data, r"is not a picture .* \(it begins with b"
    yield b"", r"is empty \(0 bytes\)"
    yield HEIC, "is HEIC or AVIF, .* run pip install pillow-heif, or save it as JPEG"
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        for part in (0.3, 0.6, 0.9):
            whole = encoded(BLOCKS, kind)
            yield whole[: int(len(whole) * part)], r"is [^\n]*$"


@pytest.mark.parametrize(("data", "words"), list(unfit()), ids=lambda value: str(len(value)))
def test_files_that_are_refused(write, data, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ValueError, match=rf"/picture {words}"):
        read_image(write(data))


def test_what_a_plug_in_reads(write, monkeypatch):
    def decode(file):
        if not plug_in.registered:
            raise UnidentifiedImageError
        return Image.fromarray(RGB)

    plug_in = SimpleNamespace(registered=False)
    plug_in.register_heif_opener = lambda: setattr(plug_in, "registered", True)
    monkeypatch.setitem(sys.modules, "pillow_heif", plug_in)
    monkeypatch.setattr(images.Image, "open", decode)
    np.testing.assert_array_equal(read_image(write(HEIC)), RGB)


def test_no_file(tmp_path):
    for missing in (tmp_path / "no.png", "https://example.org/cat.png"):
        with pytest.raises(FileNotFoundError, match=r"does not exist, expected a picture"):
            read_image(missing)
    with pytest.raises(FileNotFoundError, match="is a folder, expected a picture file"):
        read_image(tmp_path)


def test_home_is_found(write, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(write(encoded(RGB)).parent))
    np.testing.assert_array_equal(read_image("~/picture"), RGB)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path_factory, data):
    content = bytearray(encoded(RGB, data.draw(st.sampled_from(["PNG", "GIF"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(bytes(content))
    try:
        picture, sentence = read_image(path), str(path)
    except ValueError as error:
        picture, sentence = RGB, str(error)
    assert str(path) in sentence
    assert (picture.dtype, picture.shape[2]) == (np.uint8, 3)


@pytest.mark.parametrize("limit", [10, 20])
def test_too_many_pixels(write, monkeypatch, limit):
    large = write(encoded(Image.new("1", (4000, 3000))))
    assert read_image(large).shape == (3000, 4000, 3)
    path = write(encoded(RGB))  # 35 pixels: Pillow warns above the limit, raises above twice of it
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=rf"too many pixels, expected at most {limit}: save"):
        read_image(path)


def test_resize_averages_and_copies():
    lines = np.zeros((100, 100, 3), np.uint8)
    lines[:, ::10] = 255
    small = resize(lines, 10)
    assert small.shape == (10, 10, 3)
    assert small.min() > 10
    assert small.max() < 45  # a tenth of the pixels is white: about 25
    assert (resize(np.full((6, 4, 3), 9, np.uint8), [20, np.int64(3)]) == 9).all()
    same = resize(RGB[:, :, ::-1], (5, 7))  # also: not contiguous
    np.testing.assert_array_equal(same, RGB[:, :, ::-1])
    assert not np.shares_memory(same, RGB)


def test_channels_are_copies_in_order():
    image = RGB.copy()
    channels = images.split_channels(image)
    assert [channel.dtype for channel in channels] == [np.uint8] * 3
    np.testing.assert_array_equal(np.stack(channels, axis=-1), RGB)
    channels[0][:] = 0
    np.testing.assert_array_equal(image, RGB)


@pytest.mark.parametrize("view", ["grey", "tinted", "recombined"])
def test_channels_drawn(view):
    figure = images.show_rgb(RGB, view)
    titles, shown = ["Red", "Green", "Blue"], list(np.moveaxis(RGB, -1, 0))
    if view != "grey":
        shown = [np.where(np.arange(3) == index, RGB, 0) for index in range(3)]
    if view == "recombined":
        titles, shown = ["Picture", *titles, "Recombined"], [RGB, *shown, RGB]
    assert [axes.get_title() for axes in figure.axes] == titles
    signs = "".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert signs == ("=++=" if view == "recombined" else "")
    for axes, panel in zip(figure.axes, shown, strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), panel)
        assert (image.get_clim(), image.get_cmap().name) == ((0, 255), "gray")
    means = [f"{mean:.0f}" for mean in RGB.mean(axis=(0, 1))]
    assert "5 pixels high and 7 wide" in figure.alt
    assert figure.alt.endswith("of 255: red {}, green {}, blue {}.".format(*means))


@settings(max_examples=50)
@given(st.data(), st.sampled_from([1, 3]), st.booleans())
def test_there_and_back(data, channels, scale):
    shape = (*data.draw(st.tuples(*[st.integers(1, 5)] * 3)), channels)
    batch = data.draw(hnp.arrays(np.uint8, shape))
    tensor = to_nchw(batch, scale=scale)
    assert tensor.shape == (shape[0], channels, shape[1], shape[2])
    assert tensor.is_contiguous()
    np.testing.assert_array_equal(to_hwc(tensor), batch)
    np.testing.assert_array_equal(to_hwc(tensor[0]), batch[0])
    np.testing.assert_array_equal(to_hwc(to_nchw(batch[0], scale)), batch[:1])


def test_all_256_values_return_and_no_memory_is_shared():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)  # transposing alone copies nothing
    tensor = to_nchw(every)
    assert (tensor.dtype, tensor.min(), tensor.max()) == (torch.float32, 0, 1)
    plain = to_nchw(every, scale=False)
    for form in (tensor, tensor.double(), tensor.half(), tensor.bfloat16().float(), plain):
        back = to_hwc(form)
        assert np.abs(back.astype(int) - every).max() <= (form is not plain)
        back[:] = 0
        assert form.any()
    np.testing.assert_array_equal(to_hwc(tensor.half()), every)
    plain[:] = 0
    assert every.any()


def test_floats_stay_and_are_rounded_on_the_way_back():
    for dtype, scale in product([np.float16, np.float32, np.float64], [True, False]):
        image = np.linspace(0, 1, 12).reshape(2, 2, 3).astype(dtype)
        tensor = to_nchw(image, scale)
        assert tensor.dtype == torch.float32
        np.testing.assert_array_equal(tensor[0].movedim(0, -1), image.astype(np.float32))
    half = torch.tensor([0.5, 0.4999]).view(2, 1, 1, 1).requires_grad_()
    assert to_hwc(half).ravel().tolist() == [128, 127]  # 127.5 rounds to the even number


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "bool"])
def test_fitting_values_pass_unchanged(dtype):
    for array in (np.array([[0, 1]]).astype(dtype), np.zeros((0, 3), dtype)):
        assert check_range(array) is array
        tensor = torch.from_numpy(array)
        assert check_range(tensor) is tensor


NO_SIZE = [0, -1, (0, 3), (3,), (1, 2, 3), (), 2.0, "28", None, True, (28, 2.5)]
OUT_OF_RANGE = [
    ([0.5, 1.2], r"from 0\.5 to 1\.2, expected 0 to 1: divide a uint8 picture by 255$"),
    ([-0.3, 0.0], r"from -0\.3 to 0, .* any other with \(x - x\.min"),
    ([0, 255], r"from 0 to 255, expected 0 to 1: divide a uint8 picture by 255$"),
    ([0, 256], r"from 0 to 256, .* any other with \(x - x\.min"),
    ([0.0, np.inf], r"values run from 0 to inf"),
    ([0.0, np.nan], "from nan to nan, expected 0 to 1: look for a division by zero"),
]
REFUSED = [
    *[(lambda size: resize(RGB, size), size, "give pixels, at least 1") for size in NO_SIZE],
    *[(check_range, np.array(values), words) for values, words in OUT_OF_RANGE],
    *[(check_range, torch.tensor(values), words) for values, words in OUT_OF_RANGE],
    (check_range, torch.tensor([0.5, 2], dtype=torch.bfloat16).requires_grad_(), r"0\.5 to 2, exp"),
    (check_range, [0.5], r"got a list: use torch\.tensor"),
    (check_picture, torch.zeros(3, 4, 5), "with to_hwc"),
    (check_picture, [[1, 2, 3]], "got a list: read the file first, with read_image"),
    (check_picture, RGB[None], r"\(1, 5, 7, 3\): give one picture"),
    (check_picture, np.zeros((4, 5, 4), np.uint8), r"got a uint8 array .*\(4, 5, 4\)"),
    (check_picture, RGB.transpose(2, 0, 1), "on the last axis"),
    (check_picture, np.zeros((4, 5, 3)), "float64 array .* bring values to 0–255"),
    (check_picture, RGB[:0], "holds no pixels"),
    (images.split_channels, GREY, r"np\.dstack"),
    (images.show_rgb, GREY, r"np\.dstack"),
    (lambda image: resize(image, 4), GREY, r"np\.dstack"),
    (lambda view: images.show_rgb(RGB, view), "gray", "\"recombined\", got 'gray': use one"),
    (to_nchw, torch.zeros(1, 3, 4, 4), "for tensors there is to_hwc"),
    (to_nchw, [RGB, RGB], r"got a list: .* np\.stack"),
    (to_nchw, RGB.astype(np.int64), r"\.astype\(np\.uint8\)"),
    (to_nchw, GREY, "give grey pictures a channel axis"),
    (to_nchw, RGB.transpose(2, 0, 1), "move the channels to the last axis"),
    (to_nchw, RGB[None, None], "move the channels to the last axis"),
    (to_nchw, RGB[:0], "holds no pixels"),
    (to_nchw, RGB.astype(np.float32), "divide a uint8 picture by 255"),
    (to_hwc, RGB, "for arrays there is to_nchw"),
    (to_hwc, [torch.zeros(3, 4, 4)], r"got a list: .* torch\.stack"),
    (to_hwc, torch.zeros(3, 4, 4, dtype=torch.int64), r"\.to\(torch\.uint8\)"),
    (to_hwc, torch.zeros(4, 4), r"got a float32 tensor of shape \(4, 4\)"),
    (to_hwc, torch.zeros(1, 16, 4, 4), "pick feature maps one by one"),
    (to_hwc, torch.zeros(0, 3, 4, 4), "holds no pixels"),
    (to_hwc, torch.full((3, 4, 4), 1.01), "values run from 1.01 to 1.01"),
    (to_hwc, torch.full((3, 4, 4), -0.01), "values run from -0.01"),
]


@pytest.mark.parametrize(("function", "value", "sentence"), REFUSED)
def test_wrong_values_are_refused(function, value, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        function(value)
