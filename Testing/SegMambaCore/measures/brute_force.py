"""A slow way to find diameters that shares no code with the product: polygons of contourpy, all pairs of corners."""

from __future__ import annotations

import contourpy
import numpy as np


def outline_polygons(mask: np.ndarray) -> list[np.ndarray]:
    """The outline by contourpy, each polygon (n, 2) as (column, row); pixels that touch at a corner are joined."""
    padded = np.pad(mask, 1).astype(float)
    # Just below one half: the middle of a saddle then counts as inside.
    lines = contourpy.contour_generator(z=padded).lines(0.5 - 1e-9)
    return [np.round(line * 2) / 2 - 1 for line in lines]


def longest_by_brute_force(mask: np.ndarray, pixel_size: tuple[float, float]) -> float:
    """The longest line between two corners of the outline that has no part outside, trying all of them."""
    edges = np.concatenate([np.stack([p[:-1], p[1:]], axis=1) for p in outline_polygons(mask)])
    corners = np.unique(edges.reshape(-1, 2), axis=0)
    best = 0.0
    for number, start in enumerate(corners):
        for end in corners[number + 1 :]:
            length = float(np.hypot(*((end - start) * pixel_size)))
            if length > best and _no_part_outside(start, end, edges):
                best = length
    return best


def _no_part_outside(start: np.ndarray, end: np.ndarray, edges: np.ndarray) -> bool:
    """Whether the middles of all parts into which the outline cuts a line are inside, or on the outline."""
    line, sides, gap = end - start, edges[:, 1] - edges[:, 0], edges[:, 0] - start
    determinant = line[0] * sides[:, 1] - line[1] * sides[:, 0]
    crossing = np.abs(determinant) > 1e-12
    t = (gap[:, 0] * sides[:, 1] - gap[:, 1] * sides[:, 0])[crossing] / determinant[crossing]
    u = (gap[:, 0] * line[1] - gap[:, 1] * line[0])[crossing] / determinant[crossing]
    cuts = np.unique(np.round([0, 1, *t[(u > -1e-9) & (u < 1 + 1e-9) & (t > 0) & (t < 1)]], 9))
    return all(_inside(start + middle * line, edges) for middle in (cuts[1:] + cuts[:-1]) / 2)


def _inside(point: np.ndarray, edges: np.ndarray) -> bool:
    start, end = edges[:, 0], edges[:, 1]
    share = np.einsum("nd,nd->n", point - start, end - start) / np.sum((end - start) ** 2, axis=1)
    nearest = start + np.clip(share, 0, 1)[:, None] * (end - start)
    if np.linalg.norm(nearest - point, axis=1).min() < 1e-7:
        return True
    spans = (start[:, 1] > point[1]) != (end[:, 1] > point[1])
    steps = (point[1] - start[spans, 1]) / (end[spans, 1] - start[spans, 1])
    crossings = start[spans, 0] + steps * (end[spans, 0] - start[spans, 0])
    return bool(np.count_nonzero(crossings > point[0]) % 2)
