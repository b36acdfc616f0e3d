"""The four contrasts side by side, linked, with the segments as contours."""

from __future__ import annotations

from collections.abc import Mapping

import slicer
import vtk

from ..inputs.roles import ROLES, roleTitle

LAYOUT = 7461
"""A number that neither Slicer nor, as far as known, another extension uses for a layout."""

_COLORS = {"t1n": "#6EB04B", "t1c": "#F34A33", "t2w": "#EDD54C", "t2f": "#4A90D9"}


class ContrastLayout:
    """A layout of the application, shown on request and taken back."""

    def __init__(self) -> None:
        self._former: int | None = None
        self._observerTag = 0
        self._segmentation: slicer.vtkMRMLSegmentationNode | None = None

    @property
    def isShown(self) -> bool:
        """Whether the views are in this layout now."""
        return bool(_layoutNode().GetViewArrangement() == LAYOUT)

    def show(
        self,
        volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        segmentation: slicer.vtkMRMLSegmentationNode | None,
    ) -> None:
        """Show the volumes by role in linked slice views, and the segments' outlines over each.

        A role without a volume has an empty view.
        """
        layoutNode = _layoutNode()
        if not layoutNode.IsLayoutDescription(LAYOUT):
            layoutNode.AddLayoutDescription(LAYOUT, _description())
        if not self.isShown:
            self._former = layoutNode.GetViewArrangement()
            layoutNode.SetViewArrangement(LAYOUT)
            self._observerTag = layoutNode.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onLayoutChanged)
        for role in ROLES:
            _showVolume(role, volumes.get(role))
        self._segmentation = segmentation
        self._setFilled(False)

    def restore(self) -> None:
        """Go back to the layout from before; to Slicer's usual one where a saved scene has brought this layout."""
        if self.isShown:
            usual = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
            _layoutNode().SetViewArrangement(usual if self._former is None else self._former)

    def _onLayoutChanged(self, caller: object, event: object) -> None:
        # The user may leave by Slicer's own menu, too.
        if self._former is not None and not self.isShown:
            self._former = None
            _layoutNode().RemoveObserver(self._observerTag)
            self._setFilled(True)

    def _setFilled(self, filled: bool) -> None:
        display = self._segmentation.GetDisplayNode() if self._segmentation else None
        if display is not None:
            display.SetVisibility2DFill(filled)
            display.SetVisibility2DOutline(True)


def _layoutNode() -> slicer.vtkMRMLLayoutNode:
    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()


def _viewName(role: str) -> str:
    return f"SegMamba-{role}"


def _description() -> str:
    def view(role: str) -> str:
        return (
            f'<item><view class="vtkMRMLSliceNode" singletontag="{_viewName(role)}">'
            '<property name="orientation" action="default">Axial</property>'
            f'<property name="viewlabel" action="default">{roleTitle(role)}</property>'
            f'<property name="viewcolor" action="default">{_COLORS[role]}</property>'
            "</view></item>"
        )

    rows = (ROLES[:2], ROLES[2:])
    lines = "".join(
        f'<item><layout type="horizontal">{"".join(view(role) for role in row)}</layout></item>'
        for row in rows
    )
    return f'<layout type="vertical">{lines}</layout>'


def _showVolume(role: str, volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
    logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName(_viewName(role))
    composite = logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(volume.GetID() if volume else None)
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    composite.SetLinkedControl(True)
    composite.SetHotLinkedControl(True)
    if volume:
        logic.FitSliceToBackground()
