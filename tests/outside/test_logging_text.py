"""What `logging` shows of its arguments is what a row shows."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from test_negative import rerun, small  # noqa: E402

SCRIPT = """\
import logging
import sys
import numpy as np
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
log = logging.getLogger("t")


class Own:
    def __str__(self):
        return "own text"


weights = np.zeros(3)
for epoch in range(3):
    for row in np.ones((4, 3)):
        weights += 0.1 * (row - weights)
    print("epoch", epoch)
"""
ASKED = """\
    log.info("probe %d list %s", epoch, [epoch, 1.5])
    log.info("probe %.2f of %s", weights[0], (1, 2))
    log.warning("probe %(a)d %(b)s", {"a": epoch, "b": weights})
    log.log(25, "probe level %s", epoch)
    log.info("probe %s", Own())
    log.info("probe 100%")
    log.info("probe %s and more", "text")
    log.debug("probe is not shown %s", [1])
"""


def test_rows_of_logging_have_the_text_that_was_shown(tmp_path):
    edited = SCRIPT.replace("    print(", ASKED + "    print(")
    expected = rerun(tmp_path, edited)
    assert len(expected) == 21
    project = small(tmp_path, SCRIPT)
    assert project.record().code == 0
    project.script.write_text(edited)
    ran = project.replay()
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr
