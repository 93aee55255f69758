"""The wheel: built here, installed into a fresh environment, and run there."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=CHECKOUT)
    [built] = folder.glob("*.whl")
    return built


def test_it_carries_what_the_product_reads_and_no_more(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"daemon/model_files/minilm/{name}" for name in ("model.onnx", "tokenizer.json", "manifest.json")} <= names
    assert {"daemon/adapters/store_embedded.sql", "helix_cli/tui/helix.tcss"} <= names
    assert {"daemon", "helix_cli"} == {name.split("/")[0] for name in names if ".dist-info/" not in name}


def test_it_runs_in_a_fresh_environment(wheel, tmp_path):
    """Its dependencies come from this environment, by a path file: installing them again would prove nothing more."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    assert "serve" in run(python, "-m", "helix_cli", "--help", cwd=tmp_path)
    where = "import daemon.adapters.model_files as m; print(m.find_model('minilm').folder)"
    assert str(site) in run(python, "-c", where, cwd=tmp_path)
    hidden = subprocess.run(
        [python, "-m", "helix_cli", "redact", "-"],
        input="Mail ann@example.com",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Mail <EMAIL_ADDRESS_1>" == hidden.stdout.strip()


def test_the_lock_files_pin_by_hash_and_name_no_index():
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (CHECKOUT / name).read_text()
        pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]

        assert all("==" in line for line in pinned), name
        assert len(pinned) <= lock.count("--hash=sha256:")
        assert "http" not in lock.replace("httpx", "").replace("httpcore", "").replace("httptools", "").replace(
            "aiohttp", ""
        )
        assert not {"litellm==1.82.7", "litellm==1.82.8"} & {line.split()[0] for line in pinned}


def test_torch_is_no_dependency():
    """Presidio would import it, at 25 s and 780 MB."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "\ntorch==" not in (CHECKOUT / name).read_text()
