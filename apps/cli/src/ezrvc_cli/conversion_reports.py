"""What converting did, for people (lines) and for machines (a JSON tree)."""

from typing import Any

from ezrvc_model.conversion import ConversionReport


def conversion_lines(report: ConversionReport) -> list[str]:
    """Each result, with advice; and the speed."""
    lines: list[str] = []
    for file in report.files:
        silent = " (silence)" if file.silent else ""
        shift = file.transpose_semitones
        shifted = f", {shift:+g} semitones" if shift else ""
        lines.append(f"{file.output}  {file.duration_s:.2f} s{shifted}{silent}")
        lines += [f"advice: {advice}" for advice in file.advice]
    if report.files:
        factor = report.elapsed_s / report.duration_s
        lines.append(
            f"converted {len(report.files)} into {report.files[0].speaker!r}, "
            f"{report.duration_s:.1f} s of sound in {report.elapsed_s:.1f} s "
            f"(real-time factor {factor:.2f})"
        )
    return lines


def conversion_summary(report: ConversionReport) -> dict[str, Any]:
    """The same as a tree."""
    return {
        "converted": [
            {
                "input": file.input,
                "output": file.output,
                "voice": file.voice,
                "speaker": file.speaker,
                "seconds": file.duration_s,
                "elapsed_s": file.elapsed_s,
                "real_time_factor": file.real_time_factor,
                "transpose_semitones": file.transpose_semitones,
                "silent": file.silent,
                "advice": list(file.advice),
                "notices": list(file.notices),
            }
            for file in report.files
        ],
        "failures": [{"path": path, "reason": reason} for path, reason in report.failures],
    }
