"""The onnx package, which only this part of cynn needs."""


def need() -> None:
    """Raise an ImportError that says what to install, where it is missing."""
    try:
        import onnx  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise ImportError(
            "ONNX files need the onnx package: pip install 'cynn-learn[onnx]'"
        ) from error
