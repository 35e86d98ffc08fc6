"""The page /docs in a real browser: Chromium, without a screen."""

import shutil
import subprocess

import pytest

from tests.system.running import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OFFLINE = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def open_stack(tmp_path_factory):
    """One model is open to everyone, so that the description is too."""
    stack = Stack(tmp_path_factory.mktemp("docs"), REPLICAS="1", PUBLIC_MODELS="progression")
    try:
        yield stack.start()
    finally:
        stack.stop()


def shown(url, profile):
    """What the page holds when its scripts have run, and what it said on the browser's console."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *OFFLINE]
    command += [
        f"--user-data-dir={profile}",
        "--enable-logging=stderr",
        "--virtual-time-budget=20000",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def test_without_a_token_the_page_says_where_to_get_one(stack, tmp_path):
    page, _ = shown(f"{stack.url}/docs", tmp_path)
    assert "needs a token or an API key" in page
    assert "opblock" not in page


def test_the_page_shows_every_route_and_offers_the_models_that_the_caller_may_see(open_stack, tmp_path):
    page, console = shown(f"{open_stack.url}/docs", tmp_path)
    assert "opblock" in page
    assert "/v1/models/{model}:predict" in page.replace("\u200b", "")
    assert '<option value="progression">model progression</option>' in page
    assert "iris" not in page
    assert_nothing_was_refused(console)


def test_the_page_shows_a_model_with_its_own_columns(open_stack, tmp_path):
    route = "#/TensorFlow%20Serving/POST_v1_models_model_predict"
    page, console = shown(f"{open_stack.url}/docs?model=progression{route}", tmp_path)
    assert "/v1/models/progression:predict" in page.replace("\u200b", "")
    assert "{model}" not in page
    assert "blood_pressure" in page
    assert_nothing_was_refused(console)


def test_the_page_shows_no_model_that_the_caller_may_not_see(open_stack, tmp_path):
    page, _ = shown(f"{open_stack.url}/docs?model=iris", tmp_path)
    assert "needs a token or an API key" in page
    assert "opblock" not in page


def assert_nothing_was_refused(console):
    assert not [line for line in console if "Content Security Policy" in line or "Uncaught" in line]
