"""`helix cache export` and `import` between two real daemons, and what an import refuses."""

from __future__ import annotations

import json
import stat

QUESTION = "What is the capital of Australia?"


async def test_what_was_exported_hits_again_after_a_clearing(own_daemon, tmp_path):
    file = tmp_path / "answers.jsonl"
    await own_daemon.chat(QUESTION)
    code, _, err = await own_daemon.helix("cache", "export", str(file))
    assert (0, "1 entries written") == (code, err.strip().splitlines()[-1].removeprefix("helix: "))
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert 1 == (await own_daemon.helix_json("cache", "clear", "--yes"))["cleared"]

    taken = await own_daemon.helix_json("cache", "import", str(file))
    again = await own_daemon.helix_json("cache", "import", str(file))

    assert {"kept": 1, "passed_over": 0, "with_pii": 0} == taken
    assert {"kept": 0, "passed_over": 1, "with_pii": 0} == again
    await own_daemon.chat(QUESTION)
    assert 1 == (await own_daemon.helix_json("cache", "stats"))["hits"]["exact"]


async def test_an_answer_with_pii_and_a_line_that_is_none_are_not_kept(own_daemon, tmp_path):
    file = tmp_path / "answers.jsonl"
    await own_daemon.chat(QUESTION)
    await own_daemon.helix("cache", "export", str(file))
    await own_daemon.helix("cache", "clear", "--yes")
    line = json.loads(file.read_text())
    answer = json.loads(line["answer"])
    answer["choices"][0]["message"]["content"] = "Write to ann.lee@example.com"

    file.write_text(json.dumps({**line, "answer": json.dumps(answer)}) + "\n")
    assert 1 == (await own_daemon.helix_json("cache", "import", str(file)))["with_pii"]

    file.write_text(json.dumps({**line, "key": "short"}) + "\n")
    code, _, err = await own_daemon.helix("cache", "import", str(file))
    assert 1 == code
    assert "line 1" in err and "key: expected" in err
    assert 0 == (await own_daemon.helix_json("cache", "stats"))["entries"]
