"""What a network sees: feature maps, receptive fields, explanations, and how good those are."""

from cnn_basics.explain.feature_maps import feature_maps
from cnn_basics.explain.gradients import enlarge, grad_cam, saliency
from cnn_basics.explain.occlusion import occlusion, occlusion_scores, squares
from cnn_basics.explain.receptive_field import ReceptiveField, receptive_field
from cnn_basics.explain.seen_pixels import receptive_field_by_gradient

__all__ = [
    "ReceptiveField",
    "enlarge",
    "feature_maps",
    "grad_cam",
    "occlusion",
    "occlusion_scores",
    "receptive_field",
    "receptive_field_by_gradient",
    "saliency",
    "squares",
]
