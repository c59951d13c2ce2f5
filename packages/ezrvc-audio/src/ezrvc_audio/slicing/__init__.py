"""Cut recordings at their pauses into clips of useful length, in constant memory."""

from ezrvc_audio.config import SlicerConfig
from ezrvc_audio.slicing.segment import Segment
from ezrvc_audio.slicing.slicer import Slicer, slice_silence

__all__ = ["Segment", "Slicer", "SlicerConfig", "slice_silence"]
