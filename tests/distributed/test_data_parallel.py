"""One net on several processes: as in one process, and errors end all of them."""

import os
import pickle
import re
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.pages import ROOT, python_blocks, read

RANKS = str(ROOT / "tests" / "distributed" / "ranks.py")
ENV = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def torchrun(n_ranks, *command, **options):
    launch = ["-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [sys.executable, *launch, f"--nproc-per-node={n_ranks}", *command],
        env=ENV,
        check=True,
        timeout=300,
        **options,
    )


def results(folder, *ranks):
    return [pickle.loads((folder / f"{rank}.pickle").read_bytes()) for rank in ranks]


@pytest.fixture(scope="module", params=[2, 4])
def compared(request, tmp_path_factory):
    """What became of many nets, in one process and on all ranks."""
    folder = tmp_path_factory.mktemp("compare")
    torchrun(request.param, RANKS, "compare", str(folder))
    return results(folder, *range(request.param))


def test_the_net_is_the_net_of_one_process(compared):
    for case, found in compared[0].items():
        one, shared = found["one"], found["all"]
        assert shared["epochs"] == one["epochs"], case
        for name in ("losses", "validation", "rates"):
            np.testing.assert_allclose(
                shared[name], one[name], rtol=1e-5, err_msg=f"{case}: {name}"
            )
        scale = np.abs(one["predictions"]).max()
        np.testing.assert_allclose(
            shared["predictions"], one["predictions"], atol=1e-5 * scale, err_msg=case
        )
        # Adam makes steps of `lr` out of rounding where a gradient is 0, as the
        # gradient of the bias of attention's keys is.
        if "ransformer" not in case:
            np.testing.assert_allclose(
                shared["weights"], one["weights"], atol=1e-5, err_msg=case
            )


def test_all_ranks_end_with_the_same_net(compared):
    for case in compared[0]:
        found = {pickle.dumps(rank[case]["all"]) for rank in compared}
        assert len(found) == 1, case


def test_the_cases_are_what_they_are_called(compared):
    """Early stopping stops early, a plateau lowers the rate, and so on."""
    of = {case: found["all"] for case, found in compared[0].items()}
    plain = of["batches that do not divide"]
    assert of["early stopping"]["epochs"][0] < 12
    assert len(set(of["plateau"]["rates"])) > 1
    assert len(of["warm start"]["losses"]) == 5
    for case in ("weights", "clipped norm", "every step"):
        assert not np.allclose(of[case]["weights"], plain["weights"], atol=1e-4), case


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("use")
    torchrun(2, RANKS, "use", str(folder))
    return results(folder, 0, 1)


@pytest.mark.parametrize(
    "case",
    [
        "dropout",
        "random forcing",
        "scores",
        "one rank stops early",
        "search",
        "in a group",
    ],
)
def test_ranks_agree(used, case):
    first, second = (pickle.dumps(rank[case]) for rank in used)
    assert first == second


def test_training_ends_on_all_ranks_as_soon_as_it_ends_on_one(used):
    assert used[0]["one rank stops early"]["epochs"][0] == 3


def test_masks_differ_between_ranks(used):
    (inputs, kept), (other_inputs, other_kept) = (rank["masks"] for rank in used)
    in_both = inputs & other_inputs
    assert in_both.any()
    assert (kept != other_kept)[in_both].any()


def test_a_trained_net_is_a_plain_net(used):
    for rank in used:
        assert rank["is plain"] == (True, True, True, {})
        assert rank["pickled"]


def test_a_fit_destroys_the_group_that_it_made_and_no_other(used):
    for rank in used:
        assert rank["has no group"]
        assert rank["the group is still there"] == 2


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fail")
    torchrun(2, RANKS, "fail", str(folder))
    return results(folder, 0, 1)


@pytest.mark.parametrize("case", ["one rank fails", "one rank fails in a group"])
def test_an_error_on_one_rank_ends_the_others(failed, case):
    first, second = (rank[case] for rank in failed)
    assert first.startswith("RuntimeError: Rank 0 of 2 cannot go on, as another rank")
    assert second == "ValueError: no more disk space"


def test_an_interrupt_of_one_rank_ends_the_others(failed):
    first, second = (rank["one rank is interrupted"] for rank in failed)
    assert first.startswith("RuntimeError: Rank 0 of 2 cannot go on")
    assert second.startswith("KeyboardInterrupt")


def test_a_failed_fit_changes_nothing(failed):
    assert all(rank["old state"] for rank in failed)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("other rows", "ValueError: The ranks have different windows, targets or"),
        ("other inputs", "ValueError: The ranks have different windows, targets or"),
        ("other loss", "ValueError: The ranks have different windows, targets or"),
        ("other settings", "ValueError: The ranks have different windows, targets or"),
        ("diverges", "FloatingPointError: Training diverged in epoch 1"),
        ("batch norm", "ValueError: DataParallel cannot train a net with norm='batch'"),
        ("cached scores", "ValueError: The callback 'EpochScoring' scores the outputs"),
    ],
)
def test_all_ranks_raise_the_error(failed, case, message):
    for rank in failed:
        assert rank[case].startswith(message)


def test_ranks_train_together_after_an_error(failed):
    nets = [
        pickle.dumps(rank[case])
        for rank in failed
        for case in rank
        if case.startswith("after")
    ]
    assert len(nets) == 8
    assert len(set(nets)) == 1


def test_a_process_that_ends_is_an_error_of_the_others(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    address = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    command = [sys.executable, RANKS, "die", str(tmp_path)]
    first, second = (
        subprocess.Popen(command, env=ENV | address | {"RANK": rank}) for rank in "01"
    )
    assert second.wait(timeout=300) == 3
    assert first.wait(timeout=60) == 0
    (found,) = results(tmp_path, 0)
    assert found["error"].startswith("RuntimeError: Rank 0 of 2 cannot go on")
    assert found["old state"]


def test_the_script_of_the_docs(tmp_path):
    page = read(ROOT / "docs" / "scaling.md").split("## One net on several processes")
    (script,) = python_blocks(page[1].split("\n## ")[0])
    (tmp_path / "train.py").write_text(script)
    done = torchrun(2, "train.py", cwd=tmp_path, capture_output=True, text=True)
    first, second = re.findall(r"\[[\d.]+\]", done.stdout)
    assert first == second
    assert (tmp_path / "net.safetensors").exists()
