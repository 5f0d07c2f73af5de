"""What a network sees: feature maps, receptive fields, explanations, and how good those are."""

from cnn_basics.explain.clever_hans import draw_trap
from cnn_basics.explain.embedding import principal_components
from cnn_basics.explain.feature_maps import feature_maps
from cnn_basics.explain.gradients import enlarge, grad_cam, saliency
from cnn_basics.explain.occlusion import covered_scores, occlusion, squares
from cnn_basics.explain.part_masks import load_masks
from cnn_basics.explain.receptive_field import ReceptiveField, receptive_field
from cnn_basics.explain.scores import area_share, heat_share, pointing_game
from cnn_basics.explain.seen_pixels import receptive_field_by_gradient

__all__ = [
    "ReceptiveField",
    "area_share",
    "covered_scores",
    "draw_trap",
    "enlarge",
    "feature_maps",
    "grad_cam",
    "heat_share",
    "load_masks",
    "occlusion",
    "pointing_game",
    "principal_components",
    "receptive_field",
    "receptive_field_by_gradient",
    "saliency",
    "squares",
]
