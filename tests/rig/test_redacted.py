"""The rig file in a bundle holds no secret, and still says the same."""

from __future__ import annotations

from pathlib import Path

from plumbline.rig.redacted import redacted_text
from tests.rig.rigs import BASE, make

SECRETS = (
    BASE
    + """
# the camera's password is hunter2-comment
[parameters]
limit = 5   # hunter2-trailing
password = "hunter2-key"
api_token = '''
hunter2-long
'''
pins = ["1234"]
secrets = ["hunter2-list", "hunter2-second"]
hub = "HostName=h;SharedAccessKeyName=n;SharedAccessKey=hunter2-sas"
url = "rtsp://admin:hunter2-url@10.20.1.14/1"
blob = "https://a.example/x?sv=1&sig=hunter2-sig"
text = "a # that is no comment"
"""
)


def test_comments_and_secrets_are_gone(tmp_path: Path) -> None:
    rig = make(tmp_path, SECRETS)
    text = redacted_text(rig)
    assert "hunter2" not in text
    assert rig.sha256 in text.splitlines()[0]


def test_what_is_left_loads_and_says_the_same(tmp_path: Path) -> None:
    rig = make(tmp_path, SECRETS)
    (tmp_path / "bundle").mkdir()
    again = make(tmp_path / "bundle", redacted_text(rig))
    assert (again.authorisation, again.networks, again.assets) == (rig.authorisation, rig.networks, rig.assets)
    assert again.parameters["limit"] == 5
    assert again.parameters["text"] == "a # that is no comment"
    assert again.parameters["password"] == "<redacted>"
