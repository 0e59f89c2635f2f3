"""What every part of the settings is made from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A part of the settings; frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
