"""Train the models that come with the package, and put them into stance/packaged.

python scripts/build_packaged_models.py small --data YOUR_REAL_SENTENCES.jsonl
python scripts/build_packaged_models.py large
python scripts/build_packaged_models.py small --run runs/transformer     # of a training that is done

`stance/packaged/<name>` holds what training changed, as changes of low rank: a few MB, kept in git.
`stance/packaged/<name>-int8` is the same as int8 graph; a wheel that is built with it there predicts without torch.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import stance
from stance import StancePredictor, evaluate
from stance.config import load_config
from stance.data import add_context, build_splits, read_examples
from stance.evaluation.report import write_card
from stance.models.export import export_folder

ROOT = Path(__file__).parent.parent
CONFIGS = {"small": ROOT / "configs" / "transformer.yaml", "large": ROOT / "configs" / "large.yaml"}
RANK = 64


def main() -> None:
    """Train, compress, measure, save and export the models named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=CONFIGS)
    parser.add_argument("--run", type=Path, help="use this run instead of training")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="labelled files to measure on as well")
    parser.add_argument("--resume", action="store_true", help="go on from a stopped training's checkpoints")
    arguments = parser.parse_args()
    run = arguments.run or stance.train(CONFIGS[arguments.name], resume=arguments.resume).folder
    predictor = StancePredictor.from_pretrained(run)
    classifier = predictor.classifier
    small = StancePredictor(
        classifier if classifier.trained == "lora" else classifier.compressed(RANK), arguments.name, predictor.manifest
    )
    sets = {"held-out documents": build_splits(load_config(CONFIGS[arguments.name]).data)["test"]}
    sets |= {path.stem: add_context(read_examples(path)) for path in arguments.data}
    evaluations = {name: evaluate(small, examples) for name, examples in sets.items()}
    for name, evaluation in evaluations.items():
        whole = evaluate(predictor, sets[name])
        print(f"{name}: macro-F1 {evaluation.macro_f1:.3f} {evaluation.interval}; as trained {whole.macro_f1:.3f}")
    first, *others = [replace(evaluation, name=name) for name, evaluation in evaluations.items()]
    small.card = write_card(first, predictor.manifest | {"kind": classifier.kind}, others)
    folder = ROOT / "stance" / "packaged" / arguments.name
    small.save_pretrained(folder)
    ready = folder.with_name(f"{arguments.name}-int8")
    result = export_folder(folder, ready)
    print(f"{ready}: {result.megabytes:.1f} MB")
    exported = StancePredictor.from_pretrained(ready)
    for name, examples in sets.items():
        evaluation = evaluate(exported, examples)
        same = sum(a == b for a, b in zip(evaluation.predicted, evaluations[name].predicted, strict=True))
        print(f"{name}, int8: macro-F1 {evaluation.macro_f1:.3f}; {same / len(examples):.1%} of labels the same")


if __name__ == "__main__":
    sys.exit(main())
