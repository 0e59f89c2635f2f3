"""The two cards of a model as text: ``card.toml`` for programs, ``card.md`` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engage.inference.card import SCHEMA, Card
from trainer.checkpoint import Checkpoint
from trainer.evaluate import Evaluation

_MARKDOWN = """\
# {name} {version}

Names the expression that a face appears to show, as one of the eight FER+ classes, from a 48 × 48 gray crop. This page
is for people; programs read `card.toml`.

## Figures

On {split}, {n:,} images under the majority rule (Barsoum et al. 2016); the temperature, the threshold and the recipe
were chosen on this split, so expect a little less elsewhere.

| measure | value |
|---|---|
| accuracy | {accuracy:.2%} |
| accuracy, averaged with the mirror image | {accuracy_tta:.2%} |
| macro-F1 | {macro_f1:.1%} |
| macro recall | {macro_recall:.1%} |
| calibration error (15 bins of equal mass, temperature cross-fitted over 5 folds) | {ece:.3f} |
| answered with a top probability of at least {unknown_below:.2f} | {answered:.1%} |

| class | recall | images |
|---|---|---|
{classes}

![Confusion matrix](confusion.png)

![Learning curve](learning-curve.png)

## Data

Learnt from: {trained_on} (soft vote targets, single votes removed). Selected on: {selected_on}. No outside images or
weights for the expressions.{teachers}

FER2013's faces come from a web search: posed and acted faces are many, children, old people and dark skin
under-represented.

## Recipe

torchvision's ResNet18 with a 3 × 3 one-channel stem, {steps:,} steps in {minutes:.0f} minutes{start}; stored are the
averaged weights, as float16.{lift}

```json
{recipe}
```

## Limits

- It reads what a face looks like, not what a person feels; say "appears", never "is".
- Contempt, disgust and fear are rare in the data and often missed: see the recall above.
- Crops should be as tight and upright as FER2013's. Dark, blurred, turned or covered faces are read worse, and more
  confidently than they deserve.
- Whether groups of people are read alike is not known: no picture at hand says age, sex or skin. Of faces with drawn
  sunglasses the detector finds under a third; a drawn mask costs 28 points of accuracy. docs/fairness.md holds what
  was measured; `trainer fairness` measures pictures with groups of your own.

## Use

Intended: research, demonstration, and aggregated feedback to a teacher in courses whose students have consented and
where the law allows it. Forbidden: inferring emotions at work or in education in the EU (AI Act, Art. 5(1)(f)),
grading, discipline, hiring, identification, lie detection, any decision about a person by itself.

## Licence

{licence}
"""

_LIFT = """ After training, the logits of classes rarer than one in eight were raised by {lift:g} × log(1/8 / share)
(Menon et al. 2020): it finds more of the rare ones, and the probability it gives them is above their share."""


def to_toml(card: Card) -> str:
    """Return ``card`` as the TOML that ``engage.inference.card.load_card`` reads."""
    values = asdict(card)
    figures: Mapping[str, float] = values.pop("figures")
    lines = [f"schema = {SCHEMA}", *(f"{key} = {_toml_value(value)}" for key, value in values.items())]
    if figures:
        lines += ["", "[figures]", *(f"{json.dumps(key)} = {value}" for key, value in figures.items())]
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(json.dumps(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def describe(card: Card, checkpoint: Checkpoint, evaluation: Evaluation) -> str:
    """Return ``card.md``: figures, data, recipe, limits, use and licence of the model."""
    figures = {name.removeprefix(f"{evaluation.split}."): value for name, value in card.figures.items()}
    counts = [sum(row) for row in evaluation.confusion]
    classes = [
        f"| {name} | {'–' if value is None else f'{value:.1%}'} | {count:,} |"
        for (name, value), count in zip(evaluation.recall.items(), counts, strict=True)
    ]
    return _MARKDOWN.format(
        **{key: figures[key] for key in ("accuracy", "accuracy_tta", "macro_f1", "macro_recall", "ece", "answered")},
        name=card.name,
        version=card.version,
        split=evaluation.split,
        n=evaluation.n,
        unknown_below=card.unknown_below,
        classes="\n".join(classes),
        trained_on=", ".join(card.trained_on),
        selected_on=", ".join(card.selected_on),
        teachers=f" The other signals were learnt from {', '.join(card.teachers)}." if card.teachers else "",
        start=f", from the weights of {checkpoint.recipe.start}" if checkpoint.recipe.start else "",
        lift=_LIFT.format(lift=checkpoint.recipe.lift) if checkpoint.recipe.lift else "",
        steps=checkpoint.step,
        minutes=checkpoint.elapsed_s / 60,
        recipe=json.dumps(checkpoint.recipe.to_dict(), indent=1),
        licence=card.licence,
    )
