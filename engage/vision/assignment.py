"""The cheapest way to pair rows with columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def assign(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the least total cost; every row or every column has one, whichever are fewer.

    ``costs`` is ``(R, C)``, finite. The Hungarian method with potentials (Kuhn 1955; shortest augmenting paths as in
    Jonker and Volgenant 1987), O(R²C).
    """
    if costs.shape[0] > costs.shape[1]:
        return sorted((row, column) for column, row in assign(costs.T))
    rows, columns = costs.shape
    row_potential, potential = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)
    for row in range(rows):
        way = np.full(columns, -1)
        least = np.full(columns, np.inf)
        done = np.zeros(columns, bool)
        current, came_from = row, -1
        while True:
            reduced = costs[current] - row_potential[current] - potential
            better = ~done & (reduced < least)
            least[better], way[better] = reduced[better], came_from
            column = int(np.argmin(np.where(done, np.inf, least)))
            step = least[column]
            row_potential[row] += step
            row_potential[owner[done]] += step
            potential[done] -= step
            least[~done] -= step
            done[column] = True
            if owner[column] < 0:
                break
            current, came_from = int(owner[column]), column
        while column >= 0:
            before = int(way[column])
            owner[column] = row if before < 0 else owner[before]
            column = before
    return sorted((int(owner[column]), column) for column in range(columns) if owner[column] >= 0)
