import numpy as np
import pytest
import torch
from PIL import Image

from cnn_basics.datasets.inspect import find_duplicates, find_near_duplicates, picture_sizes

RANDOM = np.random.default_rng(0)


def save(path, width=20, height=10):
    pixels = RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def photos(count, size=64):
    """Smooth random pictures, as photos are: neighbours are alike."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 3, 9, 9, generator=generator)
    return torch.nn.functional.interpolate(coarse, size, mode="bilinear")


def test_sizes_are_width_and_height_in_order(tmp_path):
    paths = [save(tmp_path / f"{i}.png", 20 + i, 10) for i in range(70)]
    sizes = picture_sizes(paths)
    assert sizes.dtype == torch.int64
    assert sizes.tolist() == [[20 + i, 10] for i in range(70)]


def test_sizes_need_no_whole_file(tmp_path):
    whole = save(tmp_path / "a.jpg", 300, 200).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    assert picture_sizes([tmp_path / "cut.jpg"]).tolist() == [[300, 200]]


def test_duplicates_are_found_by_content(tmp_path):
    first = save(tmp_path / "a.png")
    other = save(tmp_path / "b.png")
    again = tmp_path / "c.png"
    again.write_bytes(first.read_bytes())
    third = tmp_path / "d.png"
    third.write_bytes(first.read_bytes())
    assert find_duplicates([first, other, again, third]) == [(first, again, third)]
    assert find_duplicates([str(first), str(other)]) == []


def test_near_duplicates_survive_scaling_brightness_and_jpeg(tmp_path):
    pictures = photos(12)
    bytes_ = (pictures * 255).to(torch.uint8)
    Image.fromarray(bytes_[3].permute(1, 2, 0).numpy()).save(tmp_path / "a.jpg", quality=70)
    jpeg = torch.from_numpy(np.array(Image.open(tmp_path / "a.jpg"))).permute(2, 0, 1)
    changed = torch.stack([(pictures[7] * 0.7 * 255).to(torch.uint8), jpeg])
    smaller = torch.nn.functional.avg_pool2d(changed.float(), 2)
    assert find_near_duplicates(bytes_).tolist() == []
    for others in (changed, smaller):
        assert find_near_duplicates(bytes_, others).tolist() == [[3, 1], [7, 0]]
    assert find_near_duplicates(torch.cat([bytes_, changed])).tolist() == [[3, 13], [7, 12]]


def test_most_is_the_number_of_different_answers():
    a, b = photos(2, size=72)
    part = a.clone()
    part[:, :, 36:] = b[:, :, 36:]  # the right half is another picture
    pair = torch.stack([a, part])

    def answers(picture):
        weight = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
        cells = (picture * weight).sum(0).view(8, 9, 9, 8).mean(dim=(1, 3))
        return cells[:, 1:] > cells[:, :-1]

    count = int((answers(a) != answers(part)).sum())
    assert 4 < count < 40
    assert find_near_duplicates(pair, most=count).tolist() == [[0, 1]]
    assert find_near_duplicates(pair, most=count - 1).tolist() == []


def test_mirrored_pictures_are_not_taken_for_the_same():
    pictures = photos(5)
    assert len(find_near_duplicates(pictures, pictures.flip(3))) == 0


def test_what_cannot_be_inspected_is_refused(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"notes\.png cannot be read as a picture"):
        picture_sizes([tmp_path / "notes.png"])
    for function in (picture_sizes, find_duplicates):
        with pytest.raises(FileNotFoundError, match=r"missing\.png does not exist: check its name"):
            function([tmp_path / "missing.png"])
        with pytest.raises(ValueError, match="expected at least one file, got none"):
            function([])
    with pytest.raises(ValueError, match=r"expected pictures \(N, 3, H, W\), got \(2, 28, 28\)"):
        find_near_duplicates(torch.zeros(2, 28, 28))
    for most in (-1, 65):
        with pytest.raises(ValueError, match=f"expected most from 0 to 64, got {most}"):
            find_near_duplicates(photos(1), most=most)
