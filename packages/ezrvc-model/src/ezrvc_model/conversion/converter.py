"""Sound in, the same words and melody in another voice out."""

import math
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading import probe, stream
from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import AudioWriter
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import DeviceError
from ezrvc_device.memory import bound_kept_kernels
from ezrvc_device.progress import Progress, silent
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.correction import F0Correction
from ezrvc_features.f0.registry import configured_f0_estimator
from ezrvc_model.conversion.advice import encoder_advice, f0_advice
from ezrvc_model.conversion.curves import SourceCurves, measure_curves
from ezrvc_model.conversion.key import AUTOMATIC, automatic_shift
from ezrvc_model.conversion.report import ConversionReport, FileReport
from ezrvc_model.conversion.retrieval import ContentRetrieval, SpeakerRetrievers
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.speaker_track import Speaker, SpeakerTrack, chosen_speaker
from ezrvc_model.conversion.stream import ConversionStream, OpenSource
from ezrvc_model.conversion.synthesis import BlockSynthesizer
from ezrvc_model.conversion.windows import SlidingSource
from ezrvc_model.errors import ModelError
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder
from ezrvc_model.vocoders.published import licence_notice, load_nsf_hifigan
from ezrvc_model.voice import VoiceModel

SHORTEST_S = 0.02
"""Sound shorter than this is not converted."""


class VoiceConverter:
    """Converts sound of any length, rate and channel count into a voice.

    The result is mono at the voice's rate and as long as the input: `round(n_samples *
    voice rate / input rate)` samples. Digital silence stays digital silence.

    Args:
        voice: the target.
        device: see `ezrvc_device.accelerator.resolve_device`.
        encoder: used instead of the content encoder that the voice names.
        f0_estimator: used instead of the pitch estimator that the voice or the settings name.

    Raises:
        DeviceError: there is no such device here.
    """

    def __init__(
        self,
        voice: VoiceModel,
        *,
        device: str | None = "auto",
        encoder: ContentEncoder | None = None,
        f0_estimator: F0Estimator | None = None,
    ) -> None:
        bound_kept_kernels()
        self.voice = voice
        self.device = resolve_device(device)
        self._generator = voice.prepared_generator().to(self.device)
        self._aligner = FeatureAligner(
            voice.config.frames, unvoiced=voice.unvoiced, stretch=voice.stretch
        )
        self._given_encoder = encoder
        self._given_estimator = f0_estimator
        self._estimators: dict[str, F0Estimator] = {}
        self._retrievers = SpeakerRetrievers(voice)
        self._vocoders: dict[str | None, HiFiGANVocoder] = {}

    def convert(
        self,
        waveform: Waveform,
        speaker: Speaker | None = None,
        settings: ConversionSettings | None = None,
    ) -> Waveform:
        """Convert sound that is in memory.

        Args:
            waveform: any rate, any number of channels, at least 20 ms.
            speaker: who is to speak, a name, a mix or a curve; None: the voice's default speaker.
            settings: how; None: the defaults.

        Returns:
            (1, n_samples) at the voice's rate.

        Raises:
            ModelError: the sound is too short, the voice has no such speaker, or the enhancer's
                weights are not here.
            FeatureError: content or pitch cannot be computed.
        """
        mono = resample(waveform.mono(), self.voice.config.sample_rate)
        chosen = settings or ConversionSettings()
        source, _ = self._start(lambda: (mono,), "the sound", speaker, chosen, silent)
        return Waveform(np.concatenate(list(source.pieces(silent))), mono.sample_rate)

    def convert_file(
        self,
        input: Path,
        output: Path,
        speaker: Speaker | None = None,
        settings: ConversionSettings | None = None,
        progress: Progress = silent,
    ) -> FileReport:
        """Convert a recording of any length, in constant memory.

        The output appears whole, once it is finished; whatever happens before leaves none.

        Args:
            input: anything `ezrvc_audio.reading` reads.
            output: its suffix says the format.
            speaker: who is to speak, a name, a mix or a curve; None: the voice's default speaker.
            settings: how; None: the defaults.
            progress: told the seconds that are analysed, then converted.

        Raises:
            AudioError: the input cannot be read or the output cannot be written.
            ModelError: the sound is too short, the voice has no such speaker, the enhancer's
                weights are not here, or input and output are the same file.
            FeatureError: content or pitch cannot be computed.
        """
        started = time.perf_counter()
        rate = self.voice.config.sample_rate
        chosen = chosen_speaker(self.voice, speaker)
        settings = settings or ConversionSettings()
        if output.exists() and output.samefile(input):
            raise ModelError(f"{output}: is the input itself; name another output")
        writer = AudioWriter(output, rate, 1)
        duration_s = probe(input).duration_s
        conversion, curves = self._start(
            lambda: stream(input, sample_rate=rate, mono=True),
            str(input),
            chosen,
            settings,
            progress,
            duration_s,
        )
        with writer:
            for piece in conversion.pieces(progress):
                writer.write(Waveform(piece, rate))
        return FileReport(
            input=input,
            output=output,
            voice=self.voice.card.name,
            speaker=str(chosen),
            duration_s=curves.n_samples / rate,
            elapsed_s=time.perf_counter() - started,
            silent=conversion.silent,
            transpose_semitones=conversion.transpose_semitones,
            advice=self._advice(conversion, curves, chosen, settings),
            notices=(licence_notice(settings.enhancer_weights),) if settings.enhance else (),
        )

    def convert_files(
        self,
        files: Sequence[tuple[Path, Path]],
        speaker: Speaker | None = None,
        settings: ConversionSettings | None = None,
        progress: Progress = silent,
    ) -> ConversionReport:
        """Convert several recordings; one that cannot be converted never stops the others.

        Args:
            files: pairs of input and output.
            speaker: who is to speak, a name, a mix or a curve; None: the voice's default speaker.
            settings: how; None: the defaults.
            progress: told about the files, and within each as by `convert_file`.

        Raises:
            ModelError: the voice has no such speaker, or the enhancer's weights or the retrieval
                vectors that are asked for are not here; or several recordings are given one
                correction of pitch.
        """
        if settings is not None and settings.f0_csv is not None and len(files) > 1:
            raise ModelError(
                f"{settings.f0_csv}: corrects the pitch of one recording, not of {len(files)}; "
                "convert that one by itself"
            )
        chosen = chosen_speaker(self.voice, speaker)
        self._retrievers.asked_for(chosen, settings or ConversionSettings())
        self._vocoder(settings or ConversionSettings(), progress)
        reports: list[FileReport] = []
        failures: list[tuple[Path, str]] = []
        for done, (source, target) in enumerate(files):
            progress("files", done, len(files))
            try:
                reports.append(self.convert_file(source, target, chosen, settings, progress))
            except (AudioError, DeviceError, FeatureError, ModelError, OSError) as error:
                failures.append((source, str(error)))
        progress("files", len(files), len(files))
        return ConversionReport(tuple(reports), tuple(failures))

    @cached_property
    def _encoder(self) -> ContentEncoder:
        features = self.voice.features
        return self._given_encoder or load_encoder(
            features.encoder, device=str(self.device), weights=features.encoder_weights
        )

    def _start(
        self,
        open_source: OpenSource,
        what: str,
        speaker: Speaker | None,
        settings: ConversionSettings,
        progress: Progress,
        duration_s: float | None = None,
    ) -> tuple[ConversionStream, SourceCurves]:
        """Measure a recording and make ready to convert it."""
        config = self.voice.config
        who = chosen_speaker(self.voice, speaker)
        track = SpeakerTrack(self.voice, who, self.device)
        retriever = self._retrievers.asked_for(who, settings)
        if settings.predict_f0 and not config.predict_f0:
            raise ModelError(
                f"{self.voice.card.name}: this voice has no pitch of its own; leave predict_f0 off"
            )
        vocoder = self._vocoder(settings, progress)
        by_hand = None if settings.f0_csv is None else F0Correction.read(settings.f0_csv)
        curves = measure_curves(
            SlidingSource(open_source()),
            config.frames,
            self._estimator(settings.f0_method),
            tail_frames=max(1, round(settings.context_s * config.frames.frame_rate_hz)),
            duration_s=duration_s,
            progress=progress,
        )
        if by_hand is not None:
            curves = curves.corrected(by_hand, config.frames)
        if curves.n_samples < math.floor(SHORTEST_S * config.sample_rate):
            raise ModelError(
                f"{what}: lasts {1000 * curves.n_samples / config.sample_rate:.1f} ms, "
                f"converting needs at least {1000 * SHORTEST_S:.0f} ms"
            )
        shift = settings.transpose_semitones
        if shift == AUTOMATIC:
            shift = automatic_shift(curves.median_hz, who, self.voice.card.f0)
        chosen = settings.noise_scale
        synthesizer = BlockSynthesizer(
            self._generator,
            track,
            self.device,
            noise_scale=self.voice.noise_scale if chosen is None else chosen,
            seed=settings.seed,
        )
        conversion = ConversionStream(
            open_source,
            curves,
            self._aligner,
            self._encoder,
            synthesizer,
            settings,
            shift,
            vocoder,
            ContentRetrieval.of(retriever, settings, curves.voiced),
        )
        return conversion, curves

    def _estimator(self, method: str | None) -> F0Estimator:
        if self._given_estimator is not None:
            return self._given_estimator
        trained = self.voice.features.f0
        name = method or trained.method
        if name not in self._estimators:
            # another method has its own idea of how sure it must be
            threshold = trained.voicing_threshold if name == trained.method else None
            wanted = {"method": name, "voicing_threshold": threshold}
            self._estimators[name] = configured_f0_estimator(
                trained.model_copy(update=wanted), device=str(self.device)
            )
        return self._estimators[name]

    def _vocoder(self, settings: ConversionSettings, progress: Progress) -> HiFiGANVocoder | None:
        """What enhances, loaded once; None where the settings do not ask for it."""
        if not settings.enhance:
            return None
        weights = settings.enhancer_weights
        if weights not in self._vocoders:
            self._vocoders[weights] = load_nsf_hifigan(
                weights, device=self.device, progress=progress
            )
        return self._vocoders[weights]

    def _advice(
        self,
        conversion: ConversionStream,
        curves: SourceCurves,
        speaker: Speaker,
        settings: ConversionSettings,
    ) -> tuple[str, ...]:
        median_hz = curves.median_hz
        if median_hz is not None:
            median_hz *= 2 ** (conversion.transpose_semitones / 12)
        if settings.predict_f0 or not isinstance(speaker, str):  # a mix has no range of its own
            median_hz = None
        return (
            *f0_advice(median_hz, str(speaker), self.voice.card.f0),
            *encoder_advice(self.voice.encoder_version, self._encoder.version),
        )
