"""The rig's key is made once, kept private, and never guessed around."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.model.errors import InputError
from plumbline.rig.secrets import keyed_digest, rig_key


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = rig_key(tmp_path)
    assert len(key) == 32
    assert rig_key(tmp_path) == key
    assert (tmp_path / "rig.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["rig.key"]


def test_two_rigs_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert rig_key(tmp_path / "a") != rig_key(tmp_path / "b")


def test_digests_are_equal_only_for_one_key_kind_and_secret() -> None:
    key, other = b"k" * 32, b"j" * 32
    found = keyed_digest(key, "password", b"admin")
    assert found == keyed_digest(key, "password", b"admin")
    assert found == "k1:" + found[3:]
    assert len(found) == 3 + 32
    assert (
        len(
            {
                found,
                keyed_digest(other, "password", b"admin"),
                keyed_digest(key, "token", b"admin"),
                keyed_digest(key, "password", b"Admin"),
            }
        )
        == 4
    )
    assert keyed_digest(key, "a", b"bc") != keyed_digest(key, "ab", b"c")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "rig.key"
    path.write_bytes(b"x" * size)
    path.chmod(0o600)
    with pytest.raises(InputError, match="not 32"):
        rig_key(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    rig_key(tmp_path)
    (tmp_path / "rig.key").chmod(0o644)
    with pytest.raises(InputError, match="open to other users"):
        rig_key(tmp_path)


def test_a_key_behind_a_link_or_in_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rig.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="cannot be read"):
        rig_key(tmp_path)
    (tmp_path / "rig.key").unlink()
    (tmp_path / "rig.key").mkdir()
    with pytest.raises(InputError, match="not a plain file"):
        rig_key(tmp_path)
