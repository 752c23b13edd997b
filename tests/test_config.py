"""Precedence of the places where options are set, and a message for every wrong value."""

import json
import os
import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.places import PROJECT

from lvs.config import OPTIONS, PREFIX, WITHOUT_EFFECT, Config, ConfigError, as_text, plain
from lvs.config_sources import LoadedConfig, load
from lvs.option_values import RateLimit

DOCUMENT = PROJECT / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No LVS_ variable of the machine that runs the tests, and a default data folder that is not
    the user's.
    """
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def sentences(**flags: object) -> list[str]:
    with pytest.raises(ConfigError) as failure:
        load(flags)
    return list(failure.value.messages)


def test_without_anything_set_the_defaults_count(here: Path) -> None:
    loaded = load(working_folder=here)
    assert loaded.config.port == 8900
    assert loaded.config.video_directory == ()
    assert loaded.config.metadata_db == loaded.config.data_directory / "lvs.db"
    assert set(loaded.origins) == set(OPTIONS)
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.warnings == ()


def test_each_place_wins_over_the_next(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = here.parent / "data"
    data.mkdir()

    def port_and_origin(**flags: object) -> tuple[int, str]:
        loaded = load({"data_directory": str(data), **flags}, working_folder=here)
        return loaded.config.port, loaded.origins["port"]

    assert port_and_origin() == (8900, "default")
    (data / "config.json").write_text('{"port": 1}')
    assert port_and_origin() == (1, f"port in {data / 'config.json'}")
    (here / "config.json").write_text('{"port": 2}')
    assert port_and_origin() == (2, f"port in {here / 'config.json'}")
    (data / ".env").write_text("LVS_PORT=3\n")
    assert port_and_origin() == (3, f"LVS_PORT in {data / '.env'}")
    (here / ".env").write_text("LVS_PORT=4\n")
    assert port_and_origin() == (4, f"LVS_PORT in {here / '.env'}")
    monkeypatch.setenv("LVS_PORT", "5")
    assert port_and_origin() == (5, "LVS_PORT in the environment")
    assert port_and_origin(port="6") == (6, "--port")


def test_places_are_merged_option_by_option(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "config.json").write_text('{"port": 2, "watch": "poll"}')
    monkeypatch.setenv("LVS_PORT", "5")
    config = load(working_folder=here).config
    assert (config.port, config.watch) == (5, "poll")


def test_the_named_file_replaces_both_config_files(here: Path) -> None:
    data = here.parent / "data"
    data.mkdir()
    (data / "config.json").write_text('{"watch": "off"}')
    (here / "config.json").write_text('{"watch": "poll"}')
    (here / "mine.json").write_text('{"port": 7}')
    loaded = load({"data_directory": str(data)}, config_file=Path("mine.json"), working_folder=here)
    assert (loaded.config.port, loaded.config.watch) == (7, "auto")


def test_the_data_folder_may_be_named_in_a_file_and_then_has_its_own(here: Path) -> None:
    (here / "config.json").write_text('{"data_directory": "kept"}')
    (here / "kept").mkdir()
    (here / "kept" / "config.json").write_text('{"port": 12, "data_directory": "/elsewhere"}')
    loaded = load(working_folder=here)
    assert loaded.config.data_directory == here / "kept"
    assert loaded.config.port == 12
    assert len(loaded.warnings) == 1
    assert "data_directory" in loaded.warnings[0]
    assert "is ignored" in loaded.warnings[0]


def test_one_folder_as_working_and_data_folder_is_read_once(here: Path) -> None:
    (here / ".env").write_text("LVS_PROT=1\n")
    assert len(load({"data_directory": str(here)}, working_folder=here).warnings) == 1


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("/films", ["/films"]),
        (os.pathsep.join(["/films", "/more films"]), ["/films", "/more films"]),
        (f"/films{os.pathsep}", ["/films"]),
        ('["/films", "/a:b;c"]', ["/films", "/a:b;c"]),
        ("[anime]", ["[anime]"]),
        (f"/films{os.pathsep}/films", ["/films"]),
    ],
)
def test_library_folders_in_the_environment(
    text: str, folders: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LVS_VIDEO_DIRECTORY", text)
    assert load(working_folder=here).config.video_directory == tuple(
        here / folder for folder in folders
    )


def test_relative_paths_start_where_they_are_written(here: Path) -> None:
    other = here.parent / "etc"
    other.mkdir()
    (other / "lvs.json").write_text('{"video_directory": "films", "metadata_db": "db/lvs.db"}')
    config = load(
        {"thumbnail_directory": "posters"}, config_file=other / "lvs.json", working_folder=here
    ).config
    assert config.video_directory == (other / "films",)
    assert config.metadata_db == other / "db" / "lvs.db"
    assert config.thumbnail_directory == here / "posters"


def test_a_library_path_in_json_is_never_split(here: Path) -> None:
    (here / "config.json").write_text(json.dumps({"video_directory": "/a:b;c"}))
    assert load(working_folder=here).config.video_directory == (Path("/a:b;c"),)


def test_the_home_folder_is_understood(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("USERPROFILE", str(here))
    assert load({"video_directory": ["~/films"]}, working_folder=here).config.video_directory == (
        here / "films",
    )


def test_empty_variables_and_null_count_as_not_set(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LVS_PORT", "")
    (here / "config.json").write_text('{"host": null}')
    assert set(load(working_folder=here).origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("option", "given", "value"),
    [
        ("port", " 80 ", 80),
        ("port", 0, 0),
        ("enable_cors", "No", False),
        ("enable_cors", True, True),
        ("settle_seconds", "0.5", 0.5),
        ("settle_seconds", 0, 0.0),
        ("log_level", "DEBUG", "debug"),
        ("supported_formats", "MP4, .webm", (".mp4", ".webm")),
        ("supported_formats", ["mkv"], (".mkv",)),
        (
            "allowed_origins",
            "HTTP://Nas.Local:80/,https://[::1]:8443",
            ("http://nas.local", "https://[::1]:8443"),
        ),
        ("allowed_origins", "*", ("*",)),
        (
            "allowed_hosts",
            "Films.Example.ORG.,müller.local",
            ("films.example.org", "xn--mller-kva.local"),
        ),
        ("host", "[::1]", "::1"),
        ("ratings_limit", "0", None),
        ("ratings_limit", 0, None),
        ("ratings_limit", "5/60", RateLimit(5, 60)),
    ],
)
def test_values_are_understood(option: str, given: object, value: object) -> None:
    assert getattr(load({option: given}).config, option) == value


def test_networks_of_proxies() -> None:
    networks = load({"trusted_proxies": "192.0.2.1, fd00::/8"}).config.trusted_proxies
    assert [str(network) for network in networks] == ["192.0.2.1/32", "fd00::/8"]


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("port", "1_0"),
        ("port", "²"),
        ("port", "٣"),
        ("port", "-1"),
        ("port", "65536"),
        ("port", "8900x"),
        ("port", True),
        ("port", 80.0),
        ("port", 10**400),
        ("port", "9" * 5000),
        ("cache_timeout", "1e3"),
        ("cache_timeout", float("nan")),
        ("cache_timeout", float("inf")),
        ("cache_timeout", 10**400),
        ("cache_timeout", True),
        ("enable_cors", 1),
        ("enable_cors", "maybe"),
        ("watch", "sometimes"),
        ("log_level", 20),
        ("host", "a b"),
        ("host", ""),
        ("host", "x" * 64),
        ("allowed_hosts", "films.example.org:80"),
        ("allowed_hosts", ["http://films"]),
        ("allowed_hosts", [""]),
        ("allowed_origins", "nas.local"),
        ("allowed_origins", "http://nas.local/page"),
        ("allowed_origins", "http://nas.local:99999"),
        ("allowed_origins", "http://me@nas.local"),
        ("allowed_origins", "javascript://x"),
        ("allowed_origins", "http://[::1"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "proxy"),
        ("supported_formats", "../x"),
        ("supported_formats", ""),
        ("ratings_limit", "30"),
        ("ratings_limit", "0/10"),
        ("ratings_limit", True),
        ("thumbnail_workers", 65),
        ("stall_seconds", 0),
        ("video_directory", [1]),
        ("video_directory", "a\0b"),
        ("data_directory", " "),
        ("data_directory", ["/a"]),
    ],
)
def test_a_value_that_cannot_be_used_is_one_message(option: str, given: object) -> None:
    flag = {"video_directory": "LIBRARY", "data_directory": "--data"}.get(
        option, f"--{option.replace('_', '-')}"
    )
    found = sentences(**{option: given})
    assert len(found) == 1
    assert re.fullmatch(rf"{flag}: .{{1,130}} cannot be used; it must .{{3,200}}\.", found[0])


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_refuses_what_it_cannot_be(option: str, here: Path) -> None:
    (here / "config.json").write_text(json.dumps({option: {"no": "option is an object"}}))
    with pytest.raises(ConfigError) as failure:
        load(working_folder=here)
    assert failure.value.messages[0].startswith(f"{option} in {here / 'config.json'}: ")


def test_every_mistake_gets_its_message() -> None:
    assert len(sentences(port="x", watch="x", log_level="x")) == 3


def test_a_wrong_value_that_another_place_overrides_does_no_harm(here: Path) -> None:
    (here / "config.json").write_text('{"port": "x"}')
    assert load({"port": 1}, working_folder=here).config.port == 1


def test_unknown_names_are_warnings_with_the_nearest_name_and_cost_nothing_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "config.json").write_text(
        '{"subtitle_colour": 85, "prot": 1, "\\u001b[31m": 0, "watch": "off"}'
    )
    (here / ".env").write_text("LVS_LOGLEVEL=debug\nSECRET=x\nPORT=1\nLVS_PORT=77\nHOST=x\n")
    monkeypatch.setenv("LVS_ALLOW_HOSTS", "x")
    loaded = load(working_folder=here)
    assert (loaded.config.watch, loaded.config.port) == ("off", 77)
    text = "\n".join(loaded.warnings)
    assert (
        "LVS_ALLOW_HOSTS in the environment is ignored: there is no such option; did you mean"
        " LVS_ALLOWED_HOSTS?" in text
    )
    assert (
        f"LVS_LOGLEVEL in {here / '.env'} is ignored: there is no such option; did you mean"
        " LVS_LOG_LEVEL?" in text
    )
    assert (
        f"'prot' in {here / 'config.json'} is ignored: there is no such option; did you mean port?"
        in text
    )
    assert f"HOST in {here / '.env'} is ignored; write LVS_HOST to set it for LVS." in text
    assert "'subtitle_colour'" in text
    assert "\x1b" not in text
    assert "SECRET" not in text
    assert len(loaded.warnings) == 6


def test_options_of_the_original_take_effect_or_are_said_to_have_none(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_original = {
        **dict.fromkeys(WITHOUT_EFFECT, True),
        "thumbnail_quality": 85,
        "max_log_size": 10_485_760,
        "debug": True,
    }
    (here / "config.json").write_text(json.dumps(of_original))
    monkeypatch.setenv("LVS_CACHE_DB", "video_cache.db")
    loaded = load(working_folder=here)
    config = loaded.config
    assert (config.thumbnail_quality, config.max_log_size) == (85, 10_485_760)
    assert (config.log_level, loaded.origins["log_level"]) == (
        "debug",
        f"debug in {here / 'config.json'}",
    )
    assert len(loaded.warnings) == len(WITHOUT_EFFECT) + 1
    assert all(" has no effect: " in warning for warning in loaded.warnings)
    assert (
        "LVS_CACHE_DB in the environment has no effect: the cache is kept in memory."
        in loaded.warnings
    )
    assert load({"log_level": "error"}, working_folder=here).config.log_level == "error"
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in WITHOUT_EFFECT)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"port": 1,\n  "host" "x"}',
            "is not valid JSON: Expecting ':' delimiter, line 2, column 10.",
        ),
        (b"", "is not valid JSON: Expecting value, line 1, column 1."),
        (b"[1]", "must hold a JSON object"),
        (b'{"host": "\xff"}', "is not UTF-8 text (byte 10)"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"port": ' + b"9" * 5000 + b"}", "cannot be read: "),
        (b" " * (1024 * 1024 + 1), "is larger than 1024 KiB"),
    ],
)
def test_a_file_that_is_no_json_object_is_one_message(
    content: bytes, said: str, here: Path
) -> None:
    (here / "config.json").write_bytes(content)
    with pytest.raises(ConfigError) as failure:
        load(working_folder=here)
    assert len(failure.value.messages) == 1
    assert said in str(failure.value)
    assert str(here / "config.json") in str(failure.value)


def test_files_may_begin_with_a_byte_order_mark(here: Path) -> None:
    (here / "config.json").write_text('{"port": 1}', encoding="utf-8-sig")
    (here / ".env").write_text("LVS_WATCH=off\n", encoding="utf-8-sig")
    config = load(working_folder=here).config
    assert (config.port, config.watch) == (1, "off")


def test_an_env_file_that_is_no_text_is_one_message(here: Path) -> None:
    (here / ".env").write_bytes(b"LVS_PORT=\xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(working_folder=here)


def test_a_folder_named_as_a_settings_file_is_passed_over(here: Path) -> None:
    (here / ".env").mkdir()
    (here / "config.json").mkdir()
    assert load(working_folder=here).warnings == ()


def test_a_named_file_that_is_missing_is_one_message(here: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.json cannot be read: No such file or directory\."
    ):
        load(config_file=Path("none.json"), working_folder=here)


def test_a_configuration_does_not_change_after_loading() -> None:
    config = load().config
    with pytest.raises(ValidationError, match="frozen"):
        config.port = 1  # type: ignore[misc]


def test_a_configuration_made_directly_reads_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LVS_PORT", "5")
    assert Config().port == 8900


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(option=st.sampled_from(OPTIONS), value=json_values)
def test_any_json_value_is_taken_or_refused_with_a_message(
    option: str, value: object, here: Path
) -> None:
    (here / "config.json").write_text(json.dumps({option: value}))
    try:
        loaded = load(working_folder=here)
    except ConfigError as error:
        assert all(message.endswith(".") and "\n" not in message for message in error.messages)
    else:
        json.dumps({name: plain(getattr(loaded.config, name)) for name in OPTIONS})


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(
    option=st.sampled_from(OPTIONS),
    text=st.text(string.printable + "²٣é") | st.from_regex(r"[0-9/.,:\[\]]{1,8}", fullmatch=True),
)
def test_any_text_in_the_environment_is_taken_or_refused_with_a_message(
    option: str, text: str, here: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{PREFIX}{option.upper()}", text.replace("\0", ""))
        try:
            assert isinstance(load(working_folder=here), LoadedConfig)
        except ConfigError as error:
            assert all(message.endswith(".") and "\n" not in message for message in error.messages)


def test_the_document_has_every_option_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| (.*?)\s*\| .+ \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    documented = {name: default.strip("`") for name, default in rows}
    config = Config(data_directory=Path("<data_directory>"))
    base = f"{config.data_directory.parent}{os.sep}"
    defaults = {
        name: as_text(getattr(config, name)).removeprefix(base).replace(os.sep, "/")
        for name in OPTIONS
    }
    assert len(rows) == len(documented)
    assert documented == {**defaults, "data_directory": "*the user's data folder*"}
