"""What is not needed is not imported."""

import subprocess
import sys

HEAVY = (
    *("litellm", "torch", "transformers", "presidio_analyzer", "presidio_anonymizer", "redis", "duckdb", "usearch"),
    *("onnxruntime", "tokenizers", "textual", "aiohttp", "spacy", "pydantic", "numpy"),
)


def loaded_after(code: str) -> set[str]:
    """Which of the heavy packages a fresh process has loaded after `code`."""
    script = f"import sys\n{code}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_helix_help_loads_nothing_heavy():
    code = "sys.argv = ['helix', '--help']\nfrom helix_cli.main import main\ntry: main()\nexcept SystemExit: pass"

    assert set() == loaded_after(code)


def test_the_daemon_loads_neither_litellm_nor_torch():
    assert not {"litellm", "torch", "transformers"} & loaded_after("import daemon.server")


def test_a_loaded_scanner_has_drawn_in_neither_spacy_nor_torch_nor_litellm():
    code = (
        "from daemon.adapters.finder_presidio import PresidioFinder\nfrom daemon.settings import PiiSettings\n"
        "finder = PresidioFinder(PiiSettings())\nfinder.warm()\nfinder.find('ann@example.com')"
    )
    assert not {"litellm", "torch", "transformers", "spacy"} & loaded_after(code)
