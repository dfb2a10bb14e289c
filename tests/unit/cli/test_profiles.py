"""Profiles: which panel is asked with which key, and how they are kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from headway.cli.profiles import Profile, ProfileNotFound, Profiles, profile_path
from headway.cli.target import DEFAULT_URL, Target, find_target
from headway.kernel.errors import InvalidInput

SHOP = Profile(url="https://shop.example.org", key="s" * 64)
HOME = Profile(url="http://127.0.0.1:3100", key="h" * 64)
KNOWN = Profiles(current="shop", known={"shop": SHOP, "home": HOME})


def found(env: dict[str, str], named: str | None = None, profiles: Profiles = KNOWN) -> Target:
    return find_target(env, (), profiles, named)


def test_the_current_profile_is_used_where_nothing_else_is_said() -> None:
    assert found({}) == Target(url=SHOP.url, key=SHOP.key, key_origin="profile shop")


def test_the_environment_wins_over_the_current_profile_and_a_named_one_over_the_environment() -> None:
    env = {"HEADWAY_URL": "http://10.0.0.1:3000", "HEADWAY_API_KEY": "e" * 64}
    assert found(env) == Target(url="http://10.0.0.1:3000", key="e" * 64, key_origin="HEADWAY_API_KEY")
    assert found(env, "home") == Target(url=HOME.url, key=HOME.key, key_origin="profile home")


def test_a_key_of_the_environment_goes_to_the_panel_of_the_profile() -> None:
    assert found({"HEADWAY_API_KEY": "e" * 64}).url == SHOP.url


def test_the_key_of_a_profile_is_shown_to_no_other_panel() -> None:
    target = found({"HEADWAY_URL": "https://other.example.org"})
    assert (target.url, target.key) == ("https://other.example.org", None)


def test_without_any_profile_it_is_this_machine() -> None:
    assert found({}, profiles=Profiles(current="default", known={})).url == DEFAULT_URL


def test_an_unknown_profile_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ProfileNotFound, match=r"There is no profile x\. There are: home, shop\."):
        found({}, "x")


def test_they_are_kept_in_a_file_of_their_owner(tmp_path: Path) -> None:
    path = profile_path({"XDG_CONFIG_HOME": str(tmp_path)}, Path("/nowhere"))
    assert path == tmp_path / "headway" / "profiles.json"
    Profiles(current="home", known={}).save(path)
    path.chmod(0o644)

    KNOWN.save(path)

    assert Profiles.load(path) == KNOWN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["profiles.json"]


def test_a_relative_or_missing_folder_for_configuration_means_the_usual_one() -> None:
    usual = Path("/home/me/.config/headway/profiles.json")
    assert profile_path({}, Path("/home/me")) == usual
    assert profile_path({"XDG_CONFIG_HOME": "here"}, Path("/home/me")) == usual


def test_forgetting_the_current_one_makes_another_current() -> None:
    left = KNOWN.without("shop")
    assert (left.current, set(left.known)) == ("home", {"home"})
    assert left.without("home").known == {}


@pytest.mark.parametrize("text", ["", "[]", '{"current": "a"}', '{"current": "a", "known": {"a": 1}}'])
def test_a_file_of_another_form_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "profiles.json").write_text(text)
    with pytest.raises(InvalidInput, match="is not what 'headway login' writes"):
        Profiles.load(tmp_path / "profiles.json")
