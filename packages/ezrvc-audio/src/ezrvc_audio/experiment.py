"""Where one prepared experiment keeps its files: the data contract as paths."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExperimentFolder:
    """Names under `data/processed/<exp>`; says where things are, creates nothing."""

    root: Path

    @property
    def name(self) -> str:
        """The experiment's name, often its speaker's."""
        return self.root.name

    @property
    def audio(self) -> Path:
        """Segments: `audio/<speaker>/<clip>.wav`, mono, at the training rate."""
        return self.root / "audio"

    @property
    def manifest(self) -> Path:
        """One clip a line (`Clip`)."""
        return self.root / "manifest.jsonl"

    @property
    def sources(self) -> Path:
        """One finished source recording a line (`SourceRecord`): what need not be done again."""
        return self.root / "sources.jsonl"

    @property
    def train_list(self) -> Path:
        """Clips to train on, one path a line, relative to `root`."""
        return self.root / "filelists" / "train.txt"

    @property
    def validation_list(self) -> Path:
        """Clips held out, one path a line, relative to `root`."""
        return self.root / "filelists" / "val.txt"

    @property
    def features(self) -> Path:
        """Feature files: `features/<speaker>/<clip>.{soft.pt,f0.npy,vol.npy,spec.pt,meta.json}`."""
        return self.root / "features"

    @property
    def speaker_map(self) -> Path:
        """Speaker name to index, JSON."""
        return self.root / "spk_map.json"

    @property
    def preprocess_config(self) -> Path:
        """The configuration that preprocessing ran with."""
        return self.root / "config" / "preprocess.yaml"

    @property
    def train_config(self) -> Path:
        """The configuration that training will start from."""
        return self.root / "config" / "train.yaml"

    @property
    def completion(self) -> Path:
        """Written last by preprocessing: when it finished, and with what counts, JSON."""
        return self.root / "prepared.json"

    def feature_stem(self, clip: str) -> Path:
        """The common start of a clip's feature files.

        Args:
            clip: the clip's path relative to `root`, `audio/<speaker>/<clip>.wav`.
        """
        return self.features / Path(clip).relative_to("audio").with_suffix("")
