"""``operating-points`` and ``weights fit-probability`` over fake networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ood_face.artifacts import Manifest, sha256_of
from ood_face.calibration import same
from ood_face.cli import bench
from ood_face.evaluation import datasets, intervals
from ood_face.matching import load_scenarios
from ood_face.matching.probability import load_same_model
from ood_face.types import Scenario
from tests.fakes import fake_service, write_people
from tests.unit.cli.test_cli_evaluate import MANIFEST, CountingRts


@pytest.fixture
def embedder(run, monkeypatch) -> CountingRts:
    weights = run.folder / "weights"
    (weights / "made-up").mkdir(parents=True)
    (weights / "made-up" / "weights.bin").write_bytes(b"1234567")
    digest = sha256_of(weights / "made-up" / "weights.bin")
    manifest = MANIFEST.replace('"00"', f'"{digest}"')
    (weights / "manifest.toml").write_text(manifest, encoding="utf-8")
    fake = CountingRts("made-up@1")
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(weights))
    monkeypatch.setattr(bench, "open_service", lambda *_, **__: fake_service(embedder=fake))
    monkeypatch.setattr(bench, "open_rts_embedder", lambda settings: fake)  # noqa: ARG005
    monkeypatch.setattr(intervals, "RESAMPLES", 40)
    monkeypatch.setattr(datasets, "IMPOSTOR_PAIRS", 400)
    monkeypatch.setattr(same, "RESAMPLES", 10)
    return fake


@pytest.fixture
def people(run) -> str:
    return write_people(run.folder / "people", noise=60).name


def points(run, source: str, *options: str):
    return run("operating-points", source, "--aligned", *options)


@pytest.mark.usefixtures("embedder")
def test_a_table_says_the_threshold_and_what_it_costs(run, people):
    result = points(run, people, "--fmr", "0.01")
    assert result.exit_code == 0, result.stderr
    assert "similarity above (95 % interval)" in result.stdout
    assert "24 people" in result.stdout
    chinese = points(run, people, "--fmr", "0.01", "--lang", "zh")
    assert "相似度高于" in chinese.stdout


@pytest.mark.usefixtures("embedder")
def test_a_threshold_becomes_a_scenario_beside_those_there(run, people):
    Path("mine.toml").write_text("# ours\n[lobby]\nsame_above = 0.6\n", encoding="utf-8")
    options = ("--fmr", "0.01", "--json", "--save-as", "door", "--scenarios-file", "mine.toml")
    result = points(run, people, *options)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    point = found["with_gate"] or found["without_gate"]
    assert found["without_gate"]["impostor_pairs"] == 96 * 95 // 2 - 24 * 6
    low, high = point["threshold"]["interval"]
    assert low <= point["threshold"]["value"] <= high
    scenarios = load_scenarios(Path("mine.toml"))
    assert scenarios["door"].same_above == point["threshold"]["value"]
    assert scenarios["door"].recapture_below == 0.4
    assert scenarios["lobby"] == Scenario("lobby", same_above=0.6)
    text = Path("mine.toml").read_text(encoding="utf-8")
    assert text.startswith("# ours\n[lobby]")

    again = points(run, people, *options)
    assert again.exit_code == 8
    assert "has a scenario door already" in again.stderr
    assert Path("mine.toml").read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("embedder")
def test_the_scenario_file_may_be_new(run, people):
    options = ("--fmr", "0.01", "--save-as", "door", "--scenarios-file", "new.toml")
    result = points(run, people, *options)
    assert result.exit_code == 0, result.stderr
    assert "Scenario door is in new.toml." in result.stdout
    assert "door" in load_scenarios(Path("new.toml"))


@pytest.mark.usefixtures("embedder")
def test_too_few_pairs_are_refused_and_nothing_is_saved(run, people):
    options = ("--fpir", "0.01", "--gallery-size", "100", "--save-as", "x")
    result = points(run, people, *options, "--scenarios-file", "mine.toml")
    # 3 / (1 - 0.99^0.01), and 96 pictures make 4,416 pairs
    assert result.exit_code == 7
    assert "needs 29852 pairs of two people (rule of 3), there are 4416" in result.stderr
    assert not Path("mine.toml").exists()


@pytest.mark.usefixtures("embedder")
def test_why_there_are_no_figures_with_the_gate_is_said_in_the_language_asked_for(run, people):
    Path("mine.toml").write_text("[strict]\nrecapture_below = 0.99\n", encoding="utf-8")
    options = ("--fmr", "0.01", "--scenario", "strict", "--scenarios-file", "mine.toml")
    english = points(run, people, *options)
    assert english.exit_code == 0, english.stderr
    assert (
        "No figures with the quality gate: a false match rate of 0.01 needs 300" in english.stdout
    )
    chinese = points(run, people, *options, "--lang", "zh")
    assert "没有加质量门槛的数据：误认率 0.01 需要 300 对不同人的图片" in chinese.stdout
    assert "needs" not in chinese.stdout
    told = json.loads(points(run, people, *options, "--json").stdout)
    assert (told["with_gate"], told["reason"][:21]) == (None, "a false match rate of")


@pytest.mark.usefixtures("embedder")
def test_a_picture_that_lies_there_twice_makes_no_pair_with_itself(run, people):
    again = Path(people, "p00", "again.png")
    again.write_bytes(Path(people, "p00", "0.png").read_bytes())
    found = json.loads(points(run, people, "--fmr", "0.01", "--json").stdout)
    assert found["without_gate"]["mated_pairs"] == 24 * 6 + 3
    Path(people, "p01", "0.png").write_bytes(again.read_bytes())
    result = points(run, people, "--fmr", "0.01")
    assert result.exit_code == 7
    assert "are the same picture, but of two people" in result.stderr


@pytest.mark.usefixtures("embedder")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "exactly one of --fmr and --fpir"),
        (("--fmr", "0.1", "--fpir", "0.1", "--gallery-size", "2"), "exactly one of"),
        (("--fpir", "0.1"), "go together"),
        (("--fmr", "0.1", "--save-as", "x"), "needs --scenarios-file"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run, people, options, says):
    result = points(run, people, *options)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.usefixtures("embedder")
def test_what_is_no_source_is_refused(run):
    result = run("operating-points", "nowhere", "--fmr", "0.1")
    assert result.exit_code == 7
    assert "nowhere is neither a folder nor a .csv file" in result.stderr


@pytest.mark.usefixtures("embedder")
def test_own_pictures_give_a_p_same_of_their_own(run, people):
    options = ("--folders", people, "--aligned", "--out", "ours.toml")
    result = run("weights", "fit-probability", *options)
    assert result.exit_code == 0, result.stderr
    assert "ours.toml" in result.stdout
    model = load_same_model(Path("ours.toml"), "made-up@1")
    alike = model.probability(0.99, 0.6, 0.6, 0.5)
    assert alike.low <= alike.value <= alike.high
    assert alike.value > model.probability(0.1, 0.6, 0.6, 0.5).value
    # the model and its manifest are as they were
    manifest = Manifest.load(Path("weights"))
    assert list(manifest.model("made-up").files) == ["made-up/weights.bin"]


def test_the_full_set_gives_the_model_its_own(run, people, embedder, monkeypatch):
    # the layout of the full set is another test's; here, folders stand for it
    from ood_face.cli import evaluating  # noqa: PLC0415

    read = evaluating.read_data

    def folders(_source, cache, bench_):
        return read(evaluating.Source(folders=Path(people), aligned=True), cache, bench_)

    monkeypatch.setattr(evaluating, "read_data", folders)
    result = run("weights", "fit-probability", "--data", ".", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["model_id"], found["people"]) == ("made-up@1", 24)
    entry = Manifest.load(Path("weights")).model("made-up")
    path = Path("weights/made-up/probability.toml")
    assert entry.files["made-up/probability.toml"] == sha256_of(path)
    assert entry.version == "1"
    assert load_same_model(path, "made-up@1").limits[1] > 3
    # the new file in the manifest makes no measurement out of date
    before, text = embedder.measured, path.read_text(encoding="utf-8")
    assert run("weights", "fit-probability", "--data", ".", "--json").exit_code == 0
    assert embedder.measured == before
    assert path.read_text(encoding="utf-8") == text
    # a network that somebody changed does not become the manifest's in passing
    Path("weights/made-up/weights.bin").write_bytes(b"7654321")
    refused = run("weights", "fit-probability", "--data", ".")
    assert refused.exit_code == 8
    assert "the manifest says sha256" in refused.stderr


@pytest.mark.usefixtures("embedder")
def test_too_few_people_make_no_probability(run, people):
    for person in range(19, 24):
        for path in (run.folder / people / f"p{person:02}").iterdir():
            path.unlink()
    options = ("--folders", people, "--aligned", "--out", "ours.toml")
    result = run("weights", "fit-probability", *options)
    assert result.exit_code == 7
    assert "needs 20 people" in result.stderr
    assert not Path("ours.toml").exists()
