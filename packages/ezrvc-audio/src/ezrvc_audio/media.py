"""Which files are taken for recordings when a whole folder is given."""

AUDIO_SUFFIXES = frozenset(
    (
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf"),
        *(".dts", ".eac3", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga"),
        *(".ogg", ".opus", ".ra", ".snd", ".spx", ".tak", ".tta", ".voc", ".w64", ".wav"),
        *(".wave", ".weba", ".wma", ".wv"),
        *(".3g2", ".3gp", ".asf", ".avi", ".f4v", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
        *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv"),
    )
)
"""Suffixes, in lower case, of sound and of video with sound that FFmpeg reads."""
